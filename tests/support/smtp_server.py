"""A mail server for tests: takes what it is sent and tells it in lines of JSON.

The one argument is JSON: `login` (name and password), `certificate` and `key` (files), and `tls`
(`implicit` or `starttls`). The first line that is written holds the port. Ends with its input.

What it answers is up to the address: refused@… never, later@… not now, guarded@… not to us,
silent@… nothing at all; and from forbidden@… it takes nothing.
"""
import asyncio, email, email.policy, json, logging, ssl, sys

from aiosmtpd.smtp import SMTP, AuthResult

OPTIONS = json.loads(sys.argv[1])
# What clients do wrong is what the tests are about.
logging.disable(logging.CRITICAL)


def tell(**what):
    print(json.dumps(what), flush=True)


class Handler:
    async def handle_MAIL(self, server, session, envelope, address, options):
        if address.startswith("forbidden@"):
            return f"553 5.7.1 <{address}> is not yours"
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("refused@"):
            return f"550 5.1.1 <{address}> is unknown"
        if address.startswith("guarded@"):
            return "530 5.7.0 Log in first"
        if address.startswith("later@"):
            return f"451 4.2.1 <{address}> is busy"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        if envelope.rcpt_tos[0].startswith("silent@"):
            tell(silent=True)
            await asyncio.sleep(3600)
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        parts = {part.get_content_type(): part.get_content() for part in mail.iter_parts()}
        tell(
            mail_from=envelope.mail_from,
            rcpt_to=envelope.rcpt_tos,
            headers={name.lower(): str(value) for name, value in mail.items()},
            type=mail.get_content_type(),
            text=parts.get("text/plain"),
            html=parts.get("text/html"),
            is_ascii=envelope.content.isascii(),
            is_private=server.transport.get_extra_info("sslcontext") is not None,
            login=session.auth_data,
        )
        return "250 OK"


def authenticate(server, session, envelope, mechanism, data):
    given = [data.login.decode(), data.password.decode()]
    return AuthResult(success=given == OPTIONS["login"], handled=False, auth_data=given[0])


async def main():
    context = None
    if OPTIONS.get("tls"):
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(OPTIONS["certificate"], OPTIONS["key"])
    starttls = OPTIONS.get("tls") == "starttls"

    def protocol():
        tell(connected=True)
        return SMTP(
            Handler(),
            tls_context=context if starttls else None,
            require_starttls=starttls,
            authenticator=authenticate,
            auth_required="login" in OPTIONS,
            auth_require_tls=False,
        )

    server = await asyncio.get_running_loop().create_server(
        protocol, "127.0.0.1", 0, ssl=None if starttls else context)
    tell(port=server.sockets[0].getsockname()[1])
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


asyncio.run(main())
