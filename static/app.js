// Writes times in the zone of this browser, where the person chose none in My account. Without it they are in UTC.
const words = new Intl.DateTimeFormat("en-GB", {
  day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23",
});
for (const time of document.querySelectorAll("time[data-utc]")) {
  time.textContent = words.format(new Date(time.dateTime));
}
