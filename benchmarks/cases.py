# What `benchmarks/run` measures: the cases, and the configuration that each proxy gets for them.
#
# A case names its proxies and makes a file for each of them. Portico and HAProxy read the same file, except where only
# Portico serves files. The peers are set up for speed, as their manuals advise: no logs, keep-alive to the servers, splicing
# in HAProxy, sendfile and a cache of open files in nginx, inotify in lighttpd.

import os
import subprocess
from dataclasses import dataclass, field

KIB = 1_024
TEXT = "hello from the backend\n"
FILES = {"1k": KIB, "100k": 100 * KIB, "10m": 10 * KIB * KIB}


@dataclass
class Site:
    """Where the parts of a measurement find one another."""

    folder: str
    backend: int = 0
    front: int = 0

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), "w") as file:
            file.write(text)
        return self.path(name)


def nginx(site, name, server, connections=4_096, upstream=""):
    """An nginx with one worker."""
    return site.write(f"{name}.conf", f"""
daemon off;
worker_processes 1;
pid {site.path(name)}.pid;
error_log stderr warn;
events {{ worker_connections {connections}; }}
http {{
    access_log off;
    default_type application/octet-stream;
    keepalive_requests 1000000000;
    keepalive_timeout 300s;
    sendfile on;
    sendfile_max_chunk 0;
    tcp_nopush on;
    open_file_cache max=1000 inactive=300s;
    {upstream}
    server {{
        {server}
    }}
}}
""")


def backend(site):
    """The server behind the proxies: a short text, and files, which cost it little since it sends them with sendfile."""
    text = TEXT.replace("\n", "\\n")
    return nginx(site, "backend", f"""
        listen 127.0.0.1:{site.backend} backlog=4096;
        location / {{ default_type text/plain; return 200 "{text}"; }}
        location /files/ {{ root {site.folder}; }}""")


def write_files(folder):
    os.mkdir(os.path.join(folder, "files"))
    for name, size in FILES.items():
        with open(os.path.join(folder, "files", name + ".bin"), "wb") as file:
            file.write(os.urandom(size))


def write_certificate(site):
    """A P-256 key and a certificate signed with it, in one file, as all proxies read it."""
    key, certificate = site.path("key.pem"), site.path("certificate.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
                    "-subj", "/CN=localhost", "-keyout", key, "-out", certificate], check=True, capture_output=True)
    site.write("site.pem", open(certificate).read() + open(key).read())


def nginx_proxy(site, connections=4_096, tls=False, http2=False):
    # With its usual buffers of 4 KiB nginx needs about twice the time for 10 MiB, and writes answers to temporary files.
    return nginx(site, "nginx", f"""
        listen 127.0.0.1:{site.front}{" ssl" if tls else ""}{" http2" if http2 else ""} backlog=4096;{nginx_tls(site) if tls else ""}
        {"http2_chunk_size 16k;" if http2 else ""}
        location / {{
            proxy_pass http://app;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host $http_host;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            proxy_buffers 8 64k;
            proxy_busy_buffers_size 128k;
            proxy_max_temp_file_size 0;
        }}""", connections, f"""upstream app {{
        server 127.0.0.1:{site.backend};
        keepalive 256;
        keepalive_requests 1000000000;
    }}""")


def nginx_tls(site):
    return f"""
        ssl_certificate {site.path("site.pem")};
        ssl_certificate_key {site.path("site.pem")};
        ssl_protocols TLSv1.2 TLSv1.3;
        ssl_session_cache shared:tls:20m;"""


def nginx_files(site):
    return nginx(site, "nginx", f"""
        listen 127.0.0.1:{site.front} backlog=4096;
        root {site.path("files")};""")


def lighttpd_files(site):
    return site.write("lighttpd.conf", f"""
server.document-root = "{site.path("files")}"
server.bind = "127.0.0.1"
server.port = {site.front}
server.modules = ()
server.max-fds = 16384
server.max-connections = 4096
server.max-keep-alive-requests = 65535
server.max-keep-alive-idle = 300
server.stat-cache-engine = "inotify"
mimetype.assign = ( "" => "application/octet-stream" )
""")


def proxy(site, mode="http", options=(), rules="", clients=4_000, tls=False, http2=False):
    """The file that Portico and HAProxy read."""
    lines = "".join(f"\n    {line}" for line in [f"mode {mode}", *options])
    secure = f" ssl crt {site.path('site.pem')}" + (" alpn h2" if http2 else "") if tls else ""
    return site.write("proxy.cfg", f"""
global
    nbthread 1
    maxconn {clients}
defaults{lines}
    timeout connect 5s
    timeout client  300s
    timeout server  300s
frontend www
    bind 127.0.0.1:{site.front}{secure}{rules}
    default_backend app
backend app
    server s1 127.0.0.1:{site.backend}
""")


def portico_files(site):
    return site.write("proxy.cfg", f"""
global
    nbthread 1
    maxconn 4000
defaults
    mode http
    timeout client  300s
frontend www
    bind 127.0.0.1:{site.front}
    default_backend files
backend files
    files {site.path("files")}
""")


def rules(site):
    """Fifty rules of the kinds that files in the field have, a map of 10,000 entries and a list of 2,000 networks."""
    sites = site.write("sites.map", "".join(f"site{i}.example.com tenant{i % 100}\n" for i in range(10_000)))
    networks = site.write("networks.list", "".join(f"{20 + i // 250}.{i % 250}.0.0/16\n" for i in range(2_000)))
    lines = [
        "http-request set-var(txn.host) req.hdr(host),field(1,:),lower",
        f"http-request set-var(txn.site) var(txn.host),map({sites},none)",
        f"http-request deny if {{ src -f {networks} }}",
        "http-request deny if { var(txn.site) -m str forbidden }",
        "http-request set-header X-Site %[var(txn.site)]",
        "http-request set-header X-Real-IP %[src]",
        "http-request set-header X-Forwarded-Proto http",
        "http-request set-header X-Request-Start t=%[date]",
        "http-request del-header X-Debug",
        "http-request redirect scheme https code 301 if { hdr(x-secure) -m found }",
        "http-request deny if { path_reg \\.(php|asp|cgi)$ }",
        "http-request deny if METH_TRACE",
        "http-request deny if { req.hdr_cnt(host) gt 1 }",
        "http-request set-header X-Page %[url_param(page)] if { url_param(page) -m int gt 1 }",
        "http-request set-header X-Session %[req.cook(session),length] if { req.cook(session) -m found }",
        "http-response set-header Strict-Transport-Security max-age=31536000",
        "http-response del-header Server",
        "http-response set-header X-Site %[var(txn.site)]",
        "http-response set-header X-Slow 1 if { status 500:599 }",
        "http-response set-header X-Frame-Options DENY unless { res.hdr(x-frame-options) -m found }",
    ]
    lines += [f"http-request deny if {{ path_beg /private{i}/ /internal{i}/ }} !{{ src 10.{i}.0.0/16 }}" for i in range(15)]
    lines += [f"http-request set-header X-Rule-{i} yes if {{ hdr(x-feature) -m str f{i} }}" for i in range(15)]
    assert len(lines) == 50, len(lines)
    return "".join("\n    " + line for line in lines)


@dataclass
class Case:
    """What is asked of which proxies."""

    name: str
    about: str
    # For each proxy, what writes its file and returns its path.
    files: dict
    # The body of an answer, in bytes.
    size: int = len(TEXT)
    target: str = "/"
    connections: int = 64
    headers: list = field(default_factory=list)
    # Clients speak TLS; each asks once on a connection, and goes on with the session of the one before.
    tls: bool = False
    resumes: bool = False
    # Clients speak HTTP/2, over TLS, with so many streams on each connection at any time; 0 for HTTP/1.
    streams: int = 0

    @property
    def is_memory(self):
        return self.name in ("idle", "tls-idle", "h2-idle")


def forwarding(*more):
    """The three proxies in HTTP mode."""
    same = lambda site: proxy(site, options=["option forwardfor", *more])
    return {"portico": same, "haproxy": same, "nginx": nginx_proxy}


def encrypted(clients=4_000, *more, http2=False):
    """The three proxies with TLS on the clients' side: the same certificate, what the library prefers of ciphers."""
    same = lambda site: proxy(site, options=["option forwardfor", *more], clients=clients, tls=True, http2=http2)
    return {"portico": same, "haproxy": same, "nginx": lambda site: nginx_proxy(site, 2 * clients, tls=True, http2=http2)}


def tunnelling(splice):
    """Portico and HAProxy in TCP mode."""
    same = lambda site: proxy(site, "tcp", [splice])
    return {"portico": same, "haproxy": same}


def without(name, files):
    return {one: write for one, write in files.items() if one != name}


# With splice-auto HAProxy decides whether it pays; 2.6 rarely finds so here. With splice-response it does so wherever it can.
AUTO, ALWAYS = "option splice-auto", "option splice-response"


def ruled(site):
    return proxy(site, options=["option forwardfor"], rules=rules(site))


# Connections of the case `idle`: far more than what the proxies keep for other reasons.
IDLE = 5_000


def idling(site):
    return proxy(site, options=["option forwardfor"], clients=IDLE + 100)


# The requests of the case `rules`: every rule is evaluated, and some of them change the message.
REQUEST = ["Host: site4711.example.com", "User-Agent: Mozilla/5.0 (X11; Linux x86_64)",
           "Cookie: session=0123456789abcdef; theme=dark", "Accept: text/html,application/json"]

# Few connections where answers are large: less of them is under way when a measurement begins and ends.
FEW = 16

SERVED = {"portico": portico_files, "nginx": nginx_files, "lighttpd": lighttpd_files}


CASES = {case.name: case for case in [
    Case("plain", "keep-alive connections, small answers", forwarding()),
    Case("rules", "50 rules, a map of 10,000 entries and a list of 2,000 networks",
         {"portico": ruled, "haproxy": ruled}, target="/shop/items/42?page=3&sort=price", headers=REQUEST),
    # nginx sends any request over an idle server connection, HAProxy's file has to ask for it.
    Case("new", "a new connection for each request, server connections kept", forwarding("http-reuse always"),
         headers=["Connection: close"]),
    Case("100k", "answers of 100 KiB", forwarding(AUTO), FILES["100k"], "/files/100k.bin"),
    Case("10m", "answers of 10 MiB", forwarding(AUTO), FILES["10m"], "/files/10m.bin", FEW),
    Case("10m-spliced", "answers of 10 MiB, option splice-response",
         without("nginx", forwarding(ALWAYS)), FILES["10m"], "/files/10m.bin", FEW),
    Case("tcp", "TCP mode, small answers", tunnelling(AUTO)),
    Case("tcp-10m", "TCP mode, answers of 10 MiB", tunnelling(AUTO), FILES["10m"], "/files/10m.bin", FEW),
    Case("tcp-10m-spliced", "TCP mode, answers of 10 MiB, option splice-response", tunnelling(ALWAYS), FILES["10m"],
         "/files/10m.bin", FEW),
    Case("tls", "TLS, keep-alive connections, small answers", encrypted(), tls=True),
    Case("tls-new", "a full TLS handshake for each request (P-256)", encrypted(4_000, "http-reuse always"), tls=True,
         headers=["Connection: close"]),
    Case("tls-resumed", "a resumed TLS session for each request", encrypted(4_000, "http-reuse always"), tls=True, resumes=True,
         connections=1),
    Case("tls-10m", "answers of 10 MiB over TLS", encrypted(), FILES["10m"], "/files/10m.bin", FEW, tls=True),
    Case("h2", "HTTP/2 over TLS, small answers", encrypted(http2=True), connections=FEW, tls=True, streams=16),
    Case("h2-100k", "HTTP/2 over TLS, answers of 100 KiB", encrypted(http2=True), FILES["100k"], "/files/100k.bin", FEW, tls=True,
         streams=16),
    *(Case(f"file-{name}", f"a file of {text}, served by the proxy itself", SERVED, FILES[name], f"/{name}.bin", connections)
      for name, text, connections in [("1k", "1 KiB", 64), ("100k", "100 KiB", 64), ("10m", "10 MiB", FEW)]),
    Case("tls-idle", "memory of an idle TLS connection that has had an answer", encrypted(IDLE + 100), connections=IDLE, tls=True),
    Case("h2-idle", "memory of an idle HTTP/2 connection over TLS that has had an answer", encrypted(IDLE + 100, http2=True),
         connections=IDLE, tls=True, streams=1),
    Case("idle", "memory of an idle keep-alive connection that has had an answer",
         {"portico": idling, "haproxy": idling, "nginx": lambda site: nginx_proxy(site, 2 * IDLE + 1_000)}, connections=IDLE),
]}
