// Sends the form that leads on, so that nobody has to press its button.
document.getElementById("onwards").submit();
