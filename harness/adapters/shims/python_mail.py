"""Mail with the standard library of Python, as mailproof asks for it.

One request as JSON on standard input, one report as JSON in the last line of standard output. With
--no-context every call that takes an SSL context is made without one.
"""

import imaplib
import json
import smtplib
import ssl
import sys

UNSUPPORTED = 89


class NotPinned(Exception):
    """Another certificate than the known one."""


class NoTls(Exception):
    """STARTTLS did not lead to TLS."""


class Unsupported(Exception):
    """Something that this program cannot do."""


def context(request):
    trust = request["trust"]
    if trust in ("system", "ca"):
        verifying = ssl.create_default_context(cafile=request["ca_file"] if trust == "ca" else None)
        if request["crl_file"]:
            verifying.load_verify_locations(cafile=request["crl_file"])
            verifying.verify_flags |= ssl.VERIFY_CRL_CHECK_CHAIN
        return verifying
    if trust in ("pin", "always"):
        any_certificate = ssl.create_default_context()
        any_certificate.check_hostname = False
        any_certificate.verify_mode = ssl.CERT_NONE
        return any_certificate
    raise Unsupported(f"trust {trust}")


def check_pin(request, sock):
    if request["trust"] != "pin":
        return
    with open(request["pin_file"], encoding="ascii") as file:
        pinned = ssl.PEM_cert_to_DER_cert(file.read())
    if sock.getpeercert(binary_form=True) != pinned:
        raise NotPinned("the server has another certificate than the known one")


def xoauth2(request):
    return f"user={request['user']}\x01auth=Bearer {request['token']}\x01\x01"


# SMTP


def smtp(request, named):
    """A connection that is secured and signed in; `named` is what stands for the context."""
    where = (request["host"], request["port"])
    more = {"timeout": request["timeout_ms"] / 1000, "local_hostname": "client.example"}
    security = request["security"]
    if security == "implicit":
        server = smtplib.SMTP_SSL(*where, **more, **named("context"))
        check_pin(request, server.sock)
    elif security in ("none", "starttls-optional", "starttls-required"):
        server = smtplib.SMTP(*where, **more)
        server.ehlo()
        wanted = security == "starttls-required"
        if wanted or security == "starttls-optional" and server.has_extn("starttls"):
            try:
                server.starttls(**named("context"))
            except smtplib.SMTPResponseException as error:
                raise NoTls(f"STARTTLS was refused: {error}") from error
            check_pin(request, server.sock)
            server.ehlo()
    else:
        raise Unsupported(f"security {security}")
    smtp_sign_in(request, server)
    return server


def smtp_sign_in(request, server):
    auth = request["auth"]
    server.user, server.password = request["user"], request["password"]
    if auth == "none":
        return
    if auth == "password":
        server.login(request["user"], request["password"])
    elif auth == "plain":
        server.ehlo_or_helo_if_needed()
        server.auth("PLAIN", server.auth_plain)
    elif auth == "login":
        server.ehlo_or_helo_if_needed()
        server.auth("LOGIN", server.auth_login)
    elif auth == "xoauth2":
        server.ehlo_or_helo_if_needed()
        server.auth("XOAUTH2", lambda challenge=None: xoauth2(request) if challenge is None else "")
    else:
        raise Unsupported(f"auth {auth}")


def smtp_send(request, server):
    with open(request["message_file"], "rb") as file:
        message = file.read()
    refused = server.sendmail(request["from"], request["to"], message)
    if refused:
        raise smtplib.SMTPRecipientsRefused(refused)


# IMAP


def imap(request, named):
    """The same for IMAP."""
    where = (request["host"], request["port"])
    more = {"timeout": request["timeout_ms"] / 1000}
    security = request["security"]
    if security == "implicit":
        server = imaplib.IMAP4_SSL(*where, **more, **named("ssl_context"))
        check_pin(request, server.sock)
    elif security in ("none", "starttls-optional", "starttls-required"):
        server = imaplib.IMAP4(*where, **more)
        wanted = security == "starttls-required"
        if wanted or security == "starttls-optional" and "STARTTLS" in server.capabilities:
            try:
                server.starttls(**named("ssl_context"))
            except imaplib.IMAP4.abort as error:
                if "TLS not supported" in str(error):
                    raise NoTls(str(error)) from error
                raise
            except imaplib.IMAP4.error as error:
                raise NoTls(str(error)) from error
            check_pin(request, server.sock)
    else:
        raise Unsupported(f"security {security}")
    imap_sign_in(request, server)
    return server


def imap_sign_in(request, server):
    auth = request["auth"]
    if auth == "none":
        return
    if auth == "password":
        server.login(request["user"], request["password"])
    elif auth == "plain":
        plain = f"\0{request['user']}\0{request['password']}".encode()
        server.authenticate("PLAIN", lambda challenge: plain)
    elif auth == "login":
        answers = iter([request["user"].encode(), request["password"].encode()])
        server.authenticate("LOGIN", lambda challenge: next(answers, None))
    elif auth == "xoauth2":
        answers = iter([xoauth2(request).encode()])
        server.authenticate("XOAUTH2", lambda challenge: next(answers, b""))
    else:
        raise Unsupported(f"auth {auth}")


def quoted(mailbox):
    return '"' + mailbox.replace("\\", "\\\\").replace('"', '\\"') + '"'


def ok(answer):
    kind, data = answer
    if kind != "OK":
        raise imaplib.IMAP4.error(data[-1].decode("utf-8", "replace") if data and data[-1] else kind)
    return data


def imap_fetch(request, server):
    ok(server.select(quoted(request["mailbox"]), readonly=True))
    for number in ok(server.search(None, "ALL"))[0].split():
        ok(server.fetch(number, "(BODY.PEEK[])"))


def imap_append(request, server):
    with open(request["message_file"], "rb") as file:
        message = file.read()
    ok(server.append(quoted(request["mailbox"]), None, None, message))


# What is asked, and how it went


def work(request, named):
    job = request["job"]
    if request["protocol"] == "smtp":
        steps = {"send": smtp_send, "test-connection": lambda request, server: server.noop()}
        connect = smtp
    else:
        steps = {
            "fetch": imap_fetch,
            "list": lambda request, server: ok(server.list()),
            "append": imap_append,
            "test-connection": lambda request, server: ok(server.noop()),
        }
        connect = imap
    if job not in steps:
        raise Unsupported(f"job {job}")
    with connect(request, named) as server:
        steps[job](request, server)


def by_code(codes):
    return "temporary" if any(400 <= code < 500 for code in codes) else "permanent"


def meaning(error):
    """What an exception says to somebody who must decide what to do next."""
    if isinstance(error, (ssl.SSLError, NotPinned, NoTls, smtplib.SMTPNotSupportedError)):
        return "refused-tls"
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return by_code([code for code, _ in error.recipients.values()])
    if isinstance(error, smtplib.SMTPServerDisconnected):
        return "temporary"
    if isinstance(error, smtplib.SMTPResponseException):
        return by_code([error.smtp_code])
    if isinstance(error, imaplib.IMAP4.abort):
        return "temporary"
    if isinstance(error, imaplib.IMAP4.error):
        return "permanent"
    if isinstance(error, OSError):
        return "temporary"
    return "failed"


def main():
    request = json.load(sys.stdin)

    bare = "--no-context" in sys.argv[1:] or request["trust"] == "default"

    def named(keyword):
        return {} if bare else {keyword: context(request)}

    code = 0
    try:
        work(request, named)
        report = {"done": {"said": "success", "text": ""}}
    except Unsupported as error:
        report = {"unsupported": {"what": str(error)}}
        code = UNSUPPORTED
    except Exception as error:  # whatever a library throws at its user is an answer
        text = f"{type(error).__name__}: {error}"
        report = {"done": {"said": meaning(error), "text": text}}
        code = 1
    print(json.dumps(report))
    return code


sys.exit(main())
