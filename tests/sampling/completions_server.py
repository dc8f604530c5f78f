"""A small completions server as a process of its own, with faults on demand; run by test_endpoint.py.

    python completions_server.py PORT LOG FAULTS [CERTIFICATE]

PORT 0 takes a free one; the port is printed. LOG gets a JSON line for each request. FAULTS are comma-separated: a fault
is taken for each request that asks for more than one token, in the order of arrival, and then none. Whatever a fault
sends back quotes the prompt, as a careless server would.
"""

from __future__ import annotations

import json
import ssl
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

LOCK = threading.Lock()
STATUS_OF = {"redirect": 307, "wait": 429, "wait-date": 503, "wait-long": 503}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    faults: list[str]
    log: Path
    under_way = 0

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing on standard error."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        began = time.monotonic()
        counts = body["max_tokens"] == 1
        with LOCK:
            Handler.under_way += 1
            fault = "" if counts or not self.faults else self.faults.pop(0)
            line = {**body, "_path": self.path, "_key": self.headers.get("authorization"), "_fault": fault}
            line |= {"_time": began, "_under_way": Handler.under_way}
            with self.log.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")
        try:
            self.respond(body, fault)
        finally:
            with LOCK:
                Handler.under_way -= 1

    def respond(self, body: dict[str, Any], fault: str) -> None:
        prompt = body["prompt"]
        quoting = {"error": {"message": f"bad prompt: {prompt}"}}
        name, _, number = fault.partition(":")
        if name == "slow":
            time.sleep(float(number))
        if name == "drop":
            self.close_connection = True
            return
        if name == "garbage":
            self.wfile.write(f"{prompt}\r\n\r\n".encode())
            self.close_connection = True
            return
        if name == "truncated-body":
            self.send(200, json.dumps(completion(body)).encode(), missing=30)
        elif name == "truncated-json":
            self.send(200, json.dumps(completion(body)).encode()[:-30])
        elif name == "shape":
            self.send(200, json.dumps({"choices": [], **quoting}).encode())
        elif name == "aborted":
            self.send(200, json.dumps(completion(body, reason="abort")).encode())
        elif name == "halves":
            self.send(200, json.dumps(completion(body, text=" \ud83d|\ud83d\ude00")).encode())
        elif name == "uncounted":
            self.send(200, json.dumps(completion(body, prompt_tokens=None)).encode())
        elif name in STATUS_OF or name.isdigit():
            self.send(STATUS_OF.get(name) or int(name), json.dumps(quoting).encode(), fault=fault, prompt=prompt)
        else:
            prompt_tokens = None if "uncounted" in self.faults else len(prompt.split()) + 1
            self.send(200, json.dumps(completion(body, prompt_tokens=prompt_tokens)).encode())

    def send(self, status: int, content: bytes, *, missing: int = 0, fault: str = "", prompt: str = "") -> None:
        name, _, number = fault.partition(":")
        self.send_response(status, f"Status {prompt}".encode("ascii", "replace").decode())
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.send_header("x-prompt", prompt.encode("ascii", "replace").decode())
        if name == "redirect":
            self.send_header("location", f"http://127.0.0.1:{number}/v1/completions")
        elif name in ("wait", "wait-long"):
            self.send_header("retry-after", number)
        elif name == "wait-date":
            moment = datetime.now(UTC) + timedelta(seconds=float(number))
            self.send_header("retry-after", format_datetime(moment, usegmt=True))
        self.end_headers()
        self.wfile.write(content[: len(content) - missing])
        if missing:
            self.close_connection = True


def completion(
    body: dict[str, Any], *, text: str | None = None, reason: str | None = None, prompt_tokens: int | None = 3
) -> dict[str, Any]:
    """An answer that follows from the request; every third seed is cut off."""
    cut = body["seed"] % 3 == 0
    text = f" drawn with {body['seed']}" if text is None else text
    usage = {"completion_tokens": 7, **({} if prompt_tokens is None else {"prompt_tokens": prompt_tokens})}
    reason = reason or ("length" if cut else "stop")
    return {"choices": [{"index": 0, "text": text, "finish_reason": reason}], "usage": usage}


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Nothing: clients that give up are part of the tests."""


def main() -> None:
    port, log, faults, *certificate = sys.argv[1:]
    Handler.faults = [each for each in faults.split(",") if each]
    Handler.log = Path(log)
    server = Server(("127.0.0.1", int(port)), Handler)
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate[0])
        server.socket = context.wrap_socket(server.socket, server_side=True)
    print(server.server_address[1], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
