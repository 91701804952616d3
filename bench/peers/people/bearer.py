"""Lets in whoever holds the bench's token."""


class Holder:
    is_anonymous = False
    is_authenticated = True


class Bearer:
    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        if request.headers.get("Authorization") == "Bearer bench":
            request.user = Holder()
        return self.get_response(request)
