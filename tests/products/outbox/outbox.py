#!/usr/bin/env python3
"""outbox: a small product that sends mail, operated over HTTP only. Python's standard library, nothing else.

It stands for the products that no command line starts: settings in words of its own, a queue, a worker that
sends later and tries again after temporary failures, and a text that tells the user what became of a message.

    OUTBOX_TOKEN=secret python3 outbox.py --port 0

prints `outbox listening on http://127.0.0.1:PORT` and serves until it is ended. Every call but GET /health
needs `Authorization: Bearer SECRET`. Bodies are JSON; errors are `{"error": "..."}`.

GET    /health            {"name": "outbox", "version": "..."}
GET    /settings          what is set, without the password
PUT    /settings          all of it, in one piece:
    host, port            where to send
    user, password        "" for no sign-in
    encryption            "none"
                          "STARTTLS, if available"
                          "STARTTLS"                 never without
                          "SSL"                      from the first octet
                          "automatic"                SSL; if nobody speaks it there, STARTTLS. Never without
    certificate           "check with the system's authorities"
                          "check with our authority" needs `authority`, PEM
                          "always trust"
    authority             PEM, or absent
    timeout               seconds to wait for each answer
POST   /test-connection   connects and signs in, sends nothing: {"result": ..., "shown": ...}
POST   /messages          {"from": ..., "to": [...], "message": "RFC 5322 text"}: 202 {"id": ...}
GET    /messages/ID       {"id", "state", "attempts", "result", "shown"}
    state                 "queued", "sending", "waiting" (it is tried again later), "sent", "failed"
    result                of the last attempt: "sent", "temporary", "permanent", "not secure", "unknown" (it was
                          sent and not confirmed), "failed", or null
    shown                 what the user gets to read about it
POST   /reset             forgets the queue and the settings; a connection that is open is cut

Settings are the product's, not the message's: what is waiting goes to whatever host is set when its time comes.

Switches that plant a regression:

    --accept-expired        a certificate that is out of date is accepted; all else is still checked
    --auth-before-starttls  with STARTTLS: sends the password first and encrypts afterwards
    --ehlo NAME             greets with another name

and others: --attempts N (default 3), --retry-after SECONDS (default 0.3).
"""

import argparse
import base64
import hmac
import http.server
import itertools
import json
import os
import re
import smtplib
import socket
import ssl
import sys
import threading
import time

VERSION = "1.4.0"
LARGEST_BODY = 64 << 20

ENCRYPTIONS = ("none", "STARTTLS, if available", "STARTTLS", "SSL", "automatic")
CERTIFICATES = ("check with the system's authorities", "check with our authority", "always trust")

# X509_V_FLAG_NO_CHECK_TIME of OpenSSL, for which Python has no name.
NO_CHECK_TIME = 0x200000


class NotSent(Exception):
    """A message was not sent: the result, and what the user gets to read."""

    def __init__(self, result, shown):
        super().__init__(shown)
        self.result = result
        self.shown = shown


class Settings:
    """Where and how to send. Raises ValueError for what cannot be set."""

    def __init__(self, given):
        def text(name, default=""):
            value = given.get(name, default)
            if not isinstance(value, str):
                raise ValueError(f"{name}: expected a text")
            return value

        self.host = text("host")
        self.port = given.get("port")
        if not self.host or type(self.port) is not int or not 0 < self.port < 65536:
            raise ValueError("expected host and port")
        self.user = text("user")
        self.password = text("password")
        self.encryption = text("encryption")
        if self.encryption not in ENCRYPTIONS:
            raise ValueError(f"encryption: expected one of {', '.join(ENCRYPTIONS)}")
        self.certificate = text("certificate", CERTIFICATES[0])
        if self.certificate not in CERTIFICATES:
            raise ValueError(f"certificate: expected one of {', '.join(CERTIFICATES)}")
        self.authority = given.get("authority")
        if self.certificate == "check with our authority" and not self.authority:
            raise ValueError("authority: expected the certificate of your authority")
        self.timeout = given.get("timeout", 30)
        if type(self.timeout) not in (int, float) or not 0 < self.timeout <= 600:
            raise ValueError("timeout: expected seconds")

    def shown(self):
        return {name: value for name, value in vars(self).items() if name != "password"}

    def context(self, options):
        """The TLS context that these settings ask for."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self.certificate == "always trust":
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            return context
        if self.certificate == "check with our authority":
            context.load_verify_locations(cadata=self.authority)
        else:
            context.load_default_certs()
        if options.accept_expired:
            context.verify_flags |= NO_CHECK_TIME
        return context


class Client(smtplib.SMTP):
    """smtplib's client, with a socket that can be cut from outside and a greeting that is bounded."""

    def __init__(self, settings, options, attempt, implicit):
        self.settings = settings
        self.attempt = attempt
        self.implicit = implicit
        self.accept_expired = options.accept_expired
        self.tls = settings.context(options) if settings.encryption != "none" else None
        super().__init__(settings.host, settings.port, options.ehlo, settings.timeout)

    def _get_socket(self, host, port, timeout):
        plain = socket.create_connection((host, port), timeout)
        self.attempt.use(plain)
        return self.secured(plain) if self.implicit else plain

    def secured(self, plain):
        wrapped = self.tls.wrap_socket(plain, server_hostname=self.settings.host)
        self.attempt.use(wrapped)
        if self.accept_expired and self.tls.verify_mode == ssl.CERT_REQUIRED:
            # Out of date is one thing, not valid yet another.
            begins = wrapped.getpeercert().get("notBefore")
            if begins and ssl.cert_time_to_seconds(begins) > time.time():
                wrapped.close()
                raise ssl.SSLCertVerificationError("certificate is not yet valid")
        return wrapped

    def encrypt(self):
        """STARTTLS. Whatever came in clear behind the answer is dropped with the buffer that it is in."""
        code, said = self.docmd("STARTTLS")
        if code != 220:
            raise NotSent("not secure", f"The server refuses to encrypt: {reply(code, said)}")
        self.sock = self.secured(self.sock)
        self.file = None
        self.helo_resp = None
        self.ehlo_resp = None
        self.esmtp_features = {}
        self.does_esmtp = False


class Attempt:
    """One connection to a server: it can be cut, and is cut when it takes too long in all."""

    def __init__(self, seconds):
        self.sockets = []
        self.is_cut = False
        self.lock = threading.Lock()
        self.timer = threading.Timer(seconds, self.cut)
        self.timer.daemon = True
        self.timer.start()

    def use(self, one):
        with self.lock:
            self.sockets.append(one)
            cut = self.is_cut
        if cut:
            self.cut()

    def cut(self):
        with self.lock:
            self.is_cut = True
            sockets = list(self.sockets)
        for one in sockets:
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def end(self):
        self.timer.cancel()


def reply(code, text):
    text = text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
    return f"{code} {' '.join(text.split())}"


def refused(what, code, text):
    """The server's answer in the words of the product."""
    result = "temporary" if 400 <= code < 500 else "permanent"
    return NotSent(result, f"{what}: the server answered {reply(code, text)}")


def explained(error):
    """What went wrong, as a result and words for the user."""
    if isinstance(error, NotSent):
        return error
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        replies = list(error.recipients.values())
        code, text = next((it for it in replies if it[0] >= 500), replies[0])
        return refused("No recipient was accepted", code, text)
    if isinstance(error, smtplib.SMTPSenderRefused):
        return refused("The sender was not accepted", error.smtp_code, error.smtp_error)
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return refused("Sign-in failed", error.smtp_code, error.smtp_error)
    if isinstance(error, smtplib.SMTPResponseException):
        if error.smtp_code < 400:
            return NotSent("failed", f"The server gave an answer that makes no sense: {reply(error.smtp_code, error.smtp_error)}")
        return refused("The server refused", error.smtp_code, error.smtp_error)
    if isinstance(error, ssl.SSLCertVerificationError):
        why = getattr(error, "verify_message", None) or str(error)
        return NotSent("not secure", f"The certificate of the server is not trusted: {why}")
    if isinstance(error, ssl.SSLError):
        return NotSent("not secure", f"No secure connection: {error.reason or error}")
    if isinstance(error, smtplib.SMTPServerDisconnected):
        return NotSent("temporary", f"The connection was lost: {error}")
    if isinstance(error, TimeoutError):
        return NotSent("temporary", "The server did not answer in time")
    if isinstance(error, OSError):
        return NotSent("temporary", f"No connection to the server: {error}")
    if isinstance(error, smtplib.SMTPException):
        return NotSent("permanent", str(error))
    return NotSent("failed", f"An answer of the server could not be understood ({type(error).__name__})")


class Sender:
    """Speaks to the server as the settings say."""

    def __init__(self, settings, options, attempt):
        self.settings = settings
        self.options = options
        self.attempt = attempt

    def connected(self):
        """A client that is ready to send: encrypted as demanded, and signed in."""
        encryption = self.settings.encryption
        if encryption == "automatic":
            try:
                return self.ready(Client(self.settings, self.options, self.attempt, True), False)
            except ssl.SSLCertVerificationError:
                raise
            except ssl.SSLError as error:
                if error.reason not in ("WRONG_VERSION_NUMBER", "PACKET_LENGTH_TOO_LONG", "HTTP_REQUEST"):
                    raise
            encryption = "STARTTLS"
        implicit = encryption == "SSL"
        client = Client(self.settings, self.options, self.attempt, implicit)
        return self.ready(client, encryption)

    def ready(self, client, encryption):
        self.greet(client)
        if encryption in ("STARTTLS", "STARTTLS, if available"):
            if self.options.auth_before_starttls and self.settings.user:
                secret = f"\0{self.settings.user}\0{self.settings.password}".encode()
                client.docmd("AUTH", f"PLAIN {base64.b64encode(secret).decode()}")
            if client.has_extn("starttls"):
                client.encrypt()
                self.greet(client)
            elif encryption == "STARTTLS":
                raise NotSent("not secure", "The server offers no encryption (STARTTLS)")
        if self.settings.user:
            encrypted = isinstance(client.sock, ssl.SSLSocket)
            if not encrypted and encryption != "none":
                raise NotSent("not secure", "The server offers no encryption, and a password is not sent without")
            self.sign_in(client)
        return client

    def greet(self, client):
        """EHLO, or HELO where the server does not know it. Any answer but 250 is one to something else."""
        code, said = client.ehlo()
        if 500 <= code < 600:
            code, said = client.helo()
        if code != 250:
            raise smtplib.SMTPHeloError(code, said)

    def sign_in(self, client):
        """One mechanism and one attempt: each further one may lock the account."""
        offered = client.esmtp_features.get("auth", "").upper().split()
        client.user, client.password = self.settings.user, self.settings.password
        for name, answers in (("PLAIN", client.auth_plain), ("LOGIN", client.auth_login)):
            if name in offered:
                client.auth(name, answers)
                return
        raise NotSent("permanent", "The server offers no way to sign in that is known here")

    def send(self, message):
        client = self.connected()
        octets = re.sub(rb"\r\n|\r|\n", b"\r\n", message["message"].encode("utf-8", "surrogateescape"))
        options = []
        if any(it > 127 for it in octets):
            if not client.has_extn("8bitmime"):
                raise NotSent("permanent", "The message has letters that this server does not take")
            options.append("BODY=8BITMIME")
        limit = client.esmtp_features.get("size", "").strip()
        if limit.isdigit() and 0 < int(limit) < len(octets):
            raise NotSent("permanent", f"The message is larger than the server takes ({limit} octets)")
        not_accepted = self.hand_over(client, message["from"], message["to"], octets, options)
        self.leave(client)
        if not_accepted:
            (address, (code, text)) = next(iter(not_accepted.items()))
            raise NotSent("permanent", f"Sent, but not to {address}: the server answered {reply(code, text)}")

    def hand_over(self, client, sender, recipients, octets, options):
        """One transaction: the recipients that were not accepted, with the answers. Raises for the rest."""
        if client.has_extn("size"):
            options = [f"SIZE={len(octets)}", *options]
        code, said = client.mail(sender, options)
        if not 200 <= code < 300:
            raise smtplib.SMTPSenderRefused(code, said, sender)
        refused_ones = {}
        for recipient in recipients:
            code, said = client.rcpt(recipient)
            if not 200 <= code < 300:
                refused_ones[recipient] = (code, said)
        if len(refused_ones) == len(recipients):
            raise smtplib.SMTPRecipientsRefused(refused_ones)
        code, said = client.docmd("DATA")
        if code != 354:
            raise smtplib.SMTPDataError(code, said)
        lines = octets if octets.endswith(b"\r\n") else octets + b"\r\n"
        client.send(re.sub(rb"(?m)^\.", b"..", lines) + b".\r\n")
        try:
            code, said = client.getreply()
        except (OSError, smtplib.SMTPServerDisconnected) as error:
            raise NotSent("unknown", f"Nobody knows whether the server has taken it over: {error}") from error
        if not 200 <= code < 300:
            raise smtplib.SMTPDataError(code, said)
        return refused_ones

    def test(self):
        self.leave(self.connected())

    def leave(self, client):
        """What was taken over stays so, however the server takes the goodbye."""
        try:
            client.quit()
        except (OSError, smtplib.SMTPException):
            client.close()


class Outbox:
    """The queue, the settings and the worker."""

    def __init__(self, options):
        self.options = options
        self.settings = None
        self.messages = {}
        self.numbers = itertools.count(1)
        self.running = set()
        self.changed = threading.Condition()
        threading.Thread(target=self.work, daemon=True).start()

    def configure(self, given):
        settings = Settings(given)
        try:
            settings.context(self.options)
        except (ssl.SSLError, ValueError) as error:
            raise ValueError(f"authority: {error}") from error
        with self.changed:
            self.settings = settings
            self.changed.notify_all()

    def reset(self):
        with self.changed:
            self.settings = None
            self.messages.clear()
            for attempt in self.running:
                attempt.cut()

    def enqueue(self, given):
        recipients = given.get("to")
        if not isinstance(recipients, list) or not recipients:
            raise ValueError("to: expected a list of addresses")
        for address in [given.get("from"), *recipients]:
            if not isinstance(address, str) or not address or re.search(r"[\x00-\x20<>]", address):
                raise ValueError("expected addresses in from and to")
        if not isinstance(given.get("message"), str):
            raise ValueError("message: expected a text")
        with self.changed:
            number = f"m{next(self.numbers)}"
            self.messages[number] = {
                "id": number,
                "state": "queued",
                "attempts": 0,
                "result": None,
                "shown": "Waiting to be sent",
                "due": time.monotonic(),
                "mail": {name: given[name] for name in ("from", "to", "message")},
            }
            self.changed.notify_all()
            return number

    def status(self, number):
        with self.changed:
            message = self.messages.get(number)
            return message and {name: it for name, it in message.items() if name not in ("due", "mail")}

    def test(self):
        with self.changed:
            settings = self.settings
        if settings is None:
            raise ValueError("nothing is set yet")
        return self.attempted(settings, lambda sender: sender.test(), "The connection works")

    def attempted(self, settings, what, success):
        attempt = Attempt(settings.timeout * 4)
        with self.changed:
            self.running.add(attempt)
        try:
            what(Sender(settings, self.options, attempt))
            return {"result": "sent", "shown": success}
        except Exception as error:  # whatever a server can provoke is told, and ends nothing
            why = explained(error)
            return {"result": why.result, "shown": why.shown}
        finally:
            attempt.cut()
            attempt.end()
            with self.changed:
                self.running.discard(attempt)

    def work(self):
        while True:
            with self.changed:
                message = self.next_due()
                settings = self.settings
                message["state"] = "sending"
                message["attempts"] += 1
            outcome = self.attempted(settings, lambda sender: sender.send(message["mail"]), "Sent")
            with self.changed:
                message.update(outcome)
                # What may have been taken over already is sent once more (RFC 5321 4.5.4.1) and not for ever.
                unknown = outcome["result"] == "unknown"
                limit = min(2, self.options.attempts) if unknown else self.options.attempts
                again = outcome["result"] in ("temporary", "unknown") and message["attempts"] < limit
                if outcome["result"] == "sent":
                    message["state"] = "sent"
                elif again:
                    message["state"] = "waiting"
                    message["due"] = time.monotonic() + self.options.retry_after
                else:
                    message["state"] = "failed"

    def next_due(self):
        """Waits for a message whose time has come; to be called with the lock."""
        while True:
            ready = [it for it in self.messages.values() if it["state"] in ("queued", "waiting")]
            ready.sort(key=lambda it: it["due"])
            if ready and self.settings is not None:
                wait = ready[0]["due"] - time.monotonic()
                if wait <= 0:
                    return ready[0]
                self.changed.wait(wait)
            else:
                self.changed.wait()


class Api(http.server.BaseHTTPRequestHandler):
    """The HTTP side."""

    protocol_version = "HTTP/1.1"
    server_version = f"outbox/{VERSION}"
    sys_version = ""

    def do_GET(self):
        if self.path == "/health":
            return self.answer(200, {"name": "outbox", "version": VERSION})
        if not self.is_allowed():
            return None
        if self.path == "/settings":
            settings = self.server.outbox.settings
            return self.answer(200, settings.shown() if settings else {})
        found = re.fullmatch(r"/messages/(m[0-9]+)", self.path)
        status = found and self.server.outbox.status(found[1])
        return self.answer(200, status) if status else self.answer(404, {"error": "no such thing"})

    def do_PUT(self):
        self.change({"/settings": lambda given: (200, self.server.outbox.configure(given))})

    def do_POST(self):
        outbox = self.server.outbox
        self.change({
            "/messages": lambda given: (202, {"id": outbox.enqueue(given)}),
            "/test-connection": lambda _: (200, outbox.test()),
            "/reset": lambda _: (200, outbox.reset()),
        })

    def change(self, calls):
        length = self.headers.get("Content-Length", "0")
        if not length.isdigit() or int(length) > LARGEST_BODY:
            self.close_connection = True
            return self.answer(413, {"error": "too large"})
        body = self.rfile.read(int(length))
        if not self.is_allowed():
            return None
        call = calls.get(self.path)
        if call is None:
            return self.answer(404, {"error": "no such thing"})
        try:
            given = json.loads(body or b"{}")
            if not isinstance(given, dict):
                raise ValueError("expected a JSON object")
            status, answer = call(given)
        except ValueError as error:
            return self.answer(400, {"error": str(error)})
        return self.answer(status, answer or {})

    def is_allowed(self):
        given = self.headers.get("Authorization", "")
        if hmac.compare_digest(given.encode(), f"Bearer {self.server.token}".encode()):
            return True
        self.answer(401, {"error": "expected the token in Authorization: Bearer"})
        return False

    def answer(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format, *arguments):
        """Nothing is logged: a test reads what this program prints."""


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64


def main():
    parser = argparse.ArgumentParser(description="a small product that sends mail, operated over HTTP")
    parser.add_argument("--port", type=int, default=8025, help="0 for any that is free")
    parser.add_argument("--attempts", type=int, default=3, help="how often a message is tried")
    parser.add_argument("--retry-after", type=float, default=0.3, metavar="SECONDS")
    parser.add_argument("--ehlo", default="outbox.example", metavar="NAME", help="how it greets")
    parser.add_argument("--accept-expired", action="store_true", help="a planted regression")
    parser.add_argument("--auth-before-starttls", action="store_true", help="a planted regression")
    options = parser.parse_args()
    token = os.environ.get("OUTBOX_TOKEN", "")
    if not token:
        sys.exit("outbox: set OUTBOX_TOKEN to the secret that callers must know")
    server = Server(("127.0.0.1", options.port), Api)
    server.token = token
    server.outbox = Outbox(options)
    print(f"outbox listening on http://127.0.0.1:{server.server_port}", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
