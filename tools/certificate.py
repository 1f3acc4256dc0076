"""Fetches a checkpoint over https from a server on loopback that only a private authority vouches for.

    cargo build --release -p runner
    python tools/certificate.py target/release/runner

The authority and the server's certificate are made with `openssl`. Without a variable, and with another authority in `SSL_CERT_FILE`, the
download has to be refused; with the right one there, or in a folder that `SSL_CERT_DIR` names, it has to succeed. Exit status 1
if anything is otherwise. The tests in Rust cover how the variables are read; this covers the handshake.
"""

import http.server
import os
import ssl
import subprocess
import sys
import tempfile
import threading
from functools import partial
from pathlib import Path

CHECKPOINT = Path(__file__).resolve().parent.parent / "data/blocks/blocks-clip"
FILES = ["config.json", "model.safetensors", "preprocessor_config.json", "tokenizer.json", "tokenizer_config.json"]

DATA = """name: tiny
description: A few images.
licence: MIT
source: {generate: {seed: 3, image_size: 32, style: everyday}}
splits: {train: {images: 4, texts: 20}, test: {images: 4, texts: 20}}
"""

CONFIG = """experiment: certificate
models: [clip]
datasets: [tiny]
methods: [raw]
metrics: [R@1]
"""


def openssl(folder, *arguments):
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


def authority(folder, name):
    """Makes `name.pem` and its key."""
    openssl(
        folder, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}",
        "-addext", "basicConstraints=critical,CA:TRUE", "-keyout", f"{name}.key", "-out", f"{name}.pem",
    )


def server_certificate(folder):
    """Makes `server.pem` for localhost, signed by `right`."""
    openssl(
        folder, "req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost",
        "-keyout", "server.key", "-out", "server.csr",
    )
    (folder / "names").write_text("subjectAltName=DNS:localhost\nbasicConstraints=CA:FALSE\n")
    openssl(
        folder, "x509", "-req", "-in", "server.csr", "-CA", "right.pem", "-CAkey", "right.key", "-CAcreateserial",
        "-days", "2", "-extfile", "names", "-out", "server.pem",
    )


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def serve(folder):
    """Serves the checkpoint by TLS and gives the port."""
    handler = partial(Quiet, directory=str(CHECKPOINT))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem", folder / "server.key")
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]


def fetch(program, folder, port, variables):
    """Fetches into a new cache; gives whether it succeeded and what was said."""
    cache = tempfile.mkdtemp(dir=folder)
    keep = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    keep = {name: value for name, value in keep.items() if not name.startswith("SSL_CERT_")}
    done = subprocess.run(
        [program, "fetch", "config.yaml", "--cache", cache], cwd=folder, env=keep | variables, capture_output=True, text=True
    )
    return done.returncode == 0, done.stderr.strip()


def main():
    program = str(Path(sys.argv[1]).resolve())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        authority(folder, "right")
        authority(folder, "wrong")
        server_certificate(folder)
        port = serve(folder)
        for part in ["models", "datasets", "trusted"]:
            (folder / part).mkdir()
        (folder / "trusted/right.crt").write_bytes((folder / "right.pem").read_bytes())
        files = [f"{{name: {file}, mirrors: ['https://localhost:{port}/{file}']}}" for file in FILES]
        files = "".join(f"    - url: {file}\n" for file in files)
        (folder / "models/clip.yaml").write_text(f"name: clip\nfamily: clip\nsource:\n  files:\n{files}")
        (folder / "datasets/tiny.yaml").write_text(DATA)
        (folder / "config.yaml").write_text(CONFIG)
        wrong = 0
        for title, variables, expected in [
            ("no variable", {}, False),
            ("another authority", {"SSL_CERT_FILE": str(folder / "wrong.pem")}, False),
            ("SSL_CERT_FILE", {"SSL_CERT_FILE": str(folder / "right.pem")}, True),
            ("SSL_CERT_DIR", {"SSL_CERT_DIR": str(folder / "trusted")}, True),
        ]:
            succeeded, said = fetch(program, folder, port, variables)
            as_expected = succeeded == expected and (succeeded or "certificate" in said.lower())
            wrong += not as_expected
            print(f"{'ok' if as_expected else 'WRONG'}: {title}: {'fetched' if succeeded else said[:300]}")
        return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
