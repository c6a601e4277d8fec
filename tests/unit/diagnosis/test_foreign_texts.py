"""Texts that no row of the test data has: other runtimes, registries, proxies and names that read like errors.

The forms are those of the sources: containerd `core/remotes/docker`, containers/image `docker/`, moby `distribution/`
and `registry/`, Go's net/http, and the registries' own documentation.
"""

import re

import pytest

from imagepull.causes.table import Confidence, list_text_rules
from imagepull.diagnosis.texts import classify

HUB = "https://registry-1.docker.io/v2/team/app/manifests/1"
S3 = "https://prod-us-east-1-starport-layer-bucket.s3.us-east-1.amazonaws.com/1234/5678?X-Amz-Security-Token="
DIGEST = f"sha256:{'0a' * 32}"


def containerd(cause: str, image: str = "reg.example/team/app:1") -> str:
    return f'failed to pull and unpack image "{image}": failed to resolve reference "{image}": {cause}'


def layer(cause: str) -> str:
    image = "reg.example/team/app:1"
    return f'failed to pull and unpack image "{image}": failed to copy: httpReadSeeker: failed open: {cause}'


def request(cause: str, url: str = HUB) -> str:
    return containerd(f'failed to do request: Head "{url}": {cause}')


def status(code: str) -> str:
    return containerd(f"unexpected status from HEAD request to https://reg.example/v2/team/app/manifests/1: {code}")


def older(code: str) -> str:
    return containerd(f"pulling from host reg.example failed with status code [manifests 1]: {code}")


def unpack(cause: str) -> str:
    return f'failed to pull and unpack image "reg.example/team/app:1": {cause}'


def crio(cause: str) -> str:
    return (
        "unable to pull image or OCI artifact: pull image err: initializing source docker://reg.example/team/app:1:"
        f" {cause}; artifact err: get manifest: build image source: {cause}"
    )


def pinging(cause: str) -> str:
    return crio(f'pinging container registry reg.example: Get "https://reg.example/v2/": {cause}')


def docker(cause: str) -> str:
    return f"Error response from daemon: {cause}"


def authorize(what: str, answer: str) -> str:
    return containerd(f"failed to authorize: failed to fetch {what} token: {answer}")


TOKEN = "https://reg.example/token?scope=repository%3Ateam%2F403%3Apull&service=reg.example"
TEXTS: dict[str, list[str]] = {
    "registry-5xx": [
        *(
            form(code)
            for form in (status, older)
            for code in ("500 ", "502 Bad Gateway", "504 Gateway Time-out", "530 ")
        ),
        older("503 Service Temporarily Unavailable"),
        request("Bad Gateway"),
        crio("received unexpected HTTP status: 502 Bad Gateway"),
        crio("Requesting bearer token: invalid status code from registry 503 (Service Unavailable)"),
        crio("reading manifest 1 in reg.example/team/app: StatusCode: 502, <html>"),
        docker("received unexpected HTTP status: 500 Internal Server Error"),
        docker("error parsing HTTP 503 response body: invalid character '<' looking for beginning of value"),
        layer(f"unexpected status from GET request to {S3}{'x' * 900}: 503 Slow Down"),
    ],
    "rate-limit": [
        older("429 "),
        status("429 Too Many Requests\ntoomanyrequests: You have reached your pull rate limit."),
        crio("reading manifest 1 in docker.io/team/app: toomanyrequests: You have reached your pull rate limit."),
        docker("error parsing HTTP 429 response body: invalid character 'T' looking for beginning of value"),
        docker("toomanyrequests: Rate exceeded"),
        crio("Requesting bearer token: invalid status code from registry 429 (Too Many Requests)"),
        docker('Get "https://ghcr.io/v2/": toomanyrequests: retry-after: 1.2s, allowed: 44000/minute'),
        docker("toomanyrequests: Data limit exceeded"),
        crio("denied: Quota exceeded for quota metric 'Requests per project per user'"),
    ],
    "dns-failure": [
        request("dial tcp: lookup registry-1.docker.io: Temporary failure in name resolution"),
        request(
            "dial tcp: lookup registry-1.docker.io on 10.0.0.2:53: read udp 10.0.0.9:4031->10.0.0.2:53: i/o timeout"
        ),
        request("dial tcp: lookup reg.example on [::1]:53: read udp [::1]:40318->[::1]:53: read: connection refused"),
        request("dial tcp: lookup reg.example on 10.0.0.2:53: dial udp 10.0.0.2:53: connect: network is unreachable"),
        request("dial tcp: lookup registry-1.docker.io: operation was canceled"),
        request("proxyconnect tcp: dial tcp: lookup proxy.corp on 10.0.0.2:53: no such host"),
        request("dial tcp: lookup registry-1.docker.io: getaddrinfow: No such host is known."),
        pinging("dial tcp: lookup reg.example on 10.0.0.2:53: server misbehaving"),
        authorize("oauth", 'Post "https://reg.example/token": dial tcp: lookup reg.example: no such host'),
    ],
    "registry-refused": [
        request("proxyconnect tcp: dial tcp 10.0.0.3:3128: connect: connection refused"),
        pinging("dial tcp 10.0.0.3:443: connect: connection refused"),
        request("dial tcp 10.0.0.3:443: connectex: No connection: the target machine actively refused it."),
        docker('Get "https://reg.example/v2/": dial tcp 10.0.0.3:443: connect: connection refused'),
    ],
    "connect-timeout": [
        request("dial tcp 44.1.2.3:443: i/o timeout"),
        request("proxyconnect tcp: dial tcp 10.0.0.3:3128: i/o timeout"),
        request("dial tcp [2600:1f18::1]:443: connect: network is unreachable"),
        request("dial tcp 10.0.0.3:443: connect: host is down"),
        request("dial tcp 10.0.0.3:443: connect: connection timed out"),
        docker(
            'Get "https://registry-1.docker.io/v2/": net/http: request canceled while waiting for connection'
            " (Client.Timeout exceeded while awaiting headers)"
        ),
        pinging("net/http: TLS handshake timeout"),
        "context deadline exceeded",
        authorize("anonymous", f'Get "{TOKEN}": dial tcp 44.1.2.3:443: i/o timeout'),
    ],
    "registry-hangs": [
        docker(
            'Get "https://reg.example/v2/": net/http: request canceled (Client.Timeout exceeded while awaiting headers)'
        ),
        request("http2: timeout awaiting response headers"),
        request("read tcp 10.0.0.9:40318->44.1.2.3:443: i/o timeout"),
    ],
    "registry-closed": [
        authorize("anonymous", f'Get "{TOKEN}": read tcp 10.0.0.9:40318->44.1.2.3:443: read: connection reset by peer'),
        request("read tcp 10.0.0.9:40318->44.1.2.3:443: wsarecv: An existing connection was forcibly closed."),
        request("http2: server sent GOAWAY and closed the connection; LastStreamID=1, ErrCode=NO_ERROR"),
        pinging("EOF"),
        layer('failed to do request: Get "https://cdn.example/x": stream error: stream ID 5; INTERNAL_ERROR'),
        "Error determining manifest MIME type for docker://app:1: Get https://auth.docker.io/token?scope=x: EOF",
    ],
    "tls-unknown-ca": [
        pinging("tls: failed to verify certificate: x509: certificate signed by unknown authority"),
        docker('Get "https://reg.example/v2/": x509: certificate signed by unknown authority'),
    ],
    "tls-wrong-name": [
        request(
            f"tls: failed to verify certificate: x509: certificate is valid for {', '.join(['a.example'] * 90)}, not b"
        ),
        request("x509: certificate relies on legacy Common Name field, use SANs instead"),
    ],
    "tls-other": [
        request("remote error: tls: certificate required"),
        request("x509: certificate is not authorized to sign other certificates"),
        request("tls: server selected unsupported protocol version 301"),
    ],
    "tls-http-server": [pinging("http: server gave HTTP response to HTTPS client")],
    "image-inspect-error": [
        'connection error: desc = "transport: Error while dialing: dial unix /run/containerd/containerd.sock: connect:'
        ' connection refused"',
        "rpc error: code = Unavailable desc = error reading from server: EOF",
        docker("Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?"),
    ],
    "image-store": [
        unpack("unable to lease content: lease does not exist: not found"),
        unpack(f"failed to copy: failed to open writer: ref layer-{DIGEST} locked for 2m3s: unavailable"),
        unpack(f'failed commit on ref "manifest-{DIGEST}": commit failed: rename /a /b: no such file or directory'),
        unpack(f"failed to extract layer {DIGEST}: failed to mount /var/lib/containerd/tmp: input/output error"),
        unpack(f"failed to extract layer {DIGEST}: failed to mount /var/lib/containerd/tmp: operation not permitted"),
        unpack(f'failed to create snapshot: missing parent "k8s.io/12/{DIGEST}" bucket: not found'),
        unpack(f"failed to get reader from content store: content digest {DIGEST}: not found"),
        "mkdir /var/lib/containerd/io.containerd.content.v1.content/ingest/1: read-only file system",
        crio(f'adding layer with blob "{DIGEST}": potentially insufficient UIDs or GIDs available in user namespace'),
    ],
    "registry-policy": [
        docker("unknown: current image with 3 vulnerabilities cannot be pulled due to configured policy in 'Prevent'"),
        crio("reading manifest 1 in harbor.example/team/app: unknown: The image is not signed by cosign."),
        docker("denied: manifest.json was not downloaded due to the download blocking policy configured in Xray"),
        status("412 Precondition Failed"),
        docker("error parsing HTTP 412 response body: invalid character 'R': \"Request Rejected\""),
    ],
    "image-absent": [
        older("404 Not Found"),
        containerd("reg.example/team/app:1: not found"),
        containerd("reg.example/team/config-server:1: not found", "reg.example/team/config-server:1"),
        containerd("reg.example/blob:1: not found", "reg.example/blob:1"),
        containerd("docker.io/video/player:1.0: not found", "docker.io/video/player:1.0"),
        crio('reading manifest 9 in us-docker.pkg.dev/p/r/i: manifest unknown: Failed to fetch "9"'),
        crio('reading manifest 9 in x.azurecr.io/app: manifest unknown: manifest tagged by "9" is not found'),
        crio("reading manifest 9 in harbor.example/library/app: unknown: artifact library/app:9 not found"),
        docker("manifest for reg.example/team/app:9 not found: manifest unknown: The named manifest is not known."),
    ],
    "repository-absent": [
        crio('reading manifest 1 in us-docker.pkg.dev/p/r/i: name unknown: Repository "r" not found'),
        docker(
            "name unknown: The repository with name 'shop/web' does not exist in the registry with id '123456789012'"
        ),
        crio("reading manifest 1 in harbor.example/library/none: unknown: repository library/none not found"),
    ],
    "no-credential": [
        authorize("anonymous", f"unexpected status from GET request to {TOKEN}: 401 Unauthorized"),
        authorize("anonymous", "unexpected status: 403 Forbidden"),
        docker('Head "https://reg.example/v2/team/app/manifests/1": unauthorized: authentication required'),
        docker('Head "https://1.dkr.ecr.us-east-1.amazonaws.com/v2/app/manifests/1": no basic auth credentials'),
        crio("reading manifest 1 in art.example/docker/app: unknown: Authentication is required"),
        status("403 Forbidden\ndenied: Unauthenticated request. Unauthenticated requests do not have permission"),
        docker("unauthorized: authentication required, visit https://aka.ms/acr/authorization for more information."),
    ],
    "wrong-password": [
        authorize("oauth", f"unexpected status from POST request to {TOKEN}: 401 Unauthorized"),
        crio(
            "unable to retrieve auth token: invalid username/password: unauthorized: HTTP Basic: Access denied. The"
            " provided password or token is incorrect or your account has 2FA enabled"
        ),
        docker('Get "https://registry-1.docker.io/v2/": unauthorized: incorrect username or password'),
        docker("denied: Your account must log in with a Personal Access Token (PAT)"),
        docker("unauthorized: Could not find robot with username: org+robot and supplied password."),
        docker("unauthorized: HTTP Basic: Access denied. If a password was provided, the password was incorrect"),
        crio("unable to retrieve auth token: invalid username/password: unauthorized: credentials are invalid"),
        crio("reading manifest 1 in art.example/docker/app: unauthorized: Bad props auth token: repo"),
    ],
    "credential-refused": [
        older("401 "),
        crio("unable to retrieve auth token: invalid username/password: unauthorized"),
        crio("unauthorized: unauthorized to access repository: library/app, action: pull"),
        crio("Requesting bearer token: invalid status code from registry 401 (Unauthorized)"),
    ],
    "forbidden": [
        older("403 "),
        status("403 Forbidden\ndenied"),
        request("Forbidden"),
        authorize("oauth", f"unexpected status from GET request to {TOKEN}: 403 Forbidden"),
        docker("denied: access forbidden"),
        docker("denied: client with IP '10.1.2.3' is not allowed access. Refer https://aka.ms/acr/firewall"),
        crio('denied: Permission "artifactregistry.repositories.downloadArtifacts" denied on resource "projects/p"'),
        crio("Requesting bearer token: invalid status code from registry 403 (Forbidden)"),
        docker("error parsing HTTP 403 response body: invalid character '<' looking for beginning of value"),
    ],
    "hub-denied": [
        docker("pull access denied for app, repository does not exist or may require 'docker login'"),
        crio(
            "reading manifest 1 in quay.io/acme/app: unauthorized: access to the requested resource is not authorized"
        ),
    ],
    "token-expired": [
        docker("pull access denied for x, repository does not exist: denied: Your authorization token has expired."),
        crio("unable to retrieve auth token: invalid username/password: unauthorized: token has expired"),
        crio("reading manifest 1 in art.example/docker/app: unauthorized: Token failed verification: expired"),
    ],
    "blob-forbidden": [
        layer(f"unexpected status code https://reg.example/v2/team/app/blobs/{DIGEST}: 403 Forbidden"),
        layer(f"unexpected status from GET request to {S3}{'x' * 1500}: 403 Forbidden"),
        crio(f'reading blob {DIGEST}: fetching blob: StatusCode: 403, <?xml version="1.0"?><Code>AccessDenied</Code>'),
        crio(f"reading blob {DIGEST}: fetching blob: denied: requested access to the resource is denied"),
    ],
    "blob-absent": [
        crio(f"reading blob {DIGEST}: fetching blob: blob unknown to registry"),
        layer(f"content at https://reg.example/v2/team/app/blobs/{DIGEST} not found: not found"),
    ],
    "wrong-platform": [
        crio(
            'choosing image instance: no image found in image index for architecture "arm64", variant "v8", OS "linux"'
        ),
        docker("no matching manifest for linux/arm64/v8 in the manifest list entries"),
        docker("image with reference app was found but does not provide the specified platform (linux/arm64)"),
        docker('image operating system "windows" cannot be used on this platform'),
        docker("a Windows version 10.0.20348-based image is incompatible with a 10.0.17763 host"),
        unpack(f"no match for platform in manifest {DIGEST}: not found"),
    ],
    "not-an-image": [
        crio('unsupported image-specific operation on artifact with type "application/vnd.cncf.helm.config.v1+json"'),
        docker('Encountered remote "application/vnd.cncf.helm.config.v1+json"(unknown) when fetching'),
    ],
    "unsupported-media": [
        docker("[DEPRECATION NOTICE] Docker Image Format v1, and manifest version 2, schema 1 support is disabled"),
        crio('unsupported docker v2s2 media type: "application/vnd.oci.image.layer.v1.tar+gzip"'),
    ],
    "corrupt-layer": [
        docker(f"filesystem layer verification failed for digest {DIGEST}"),
        crio(f"writing blob: storing blob: Digest did not match, expected {DIGEST}, got {DIGEST}"),
    ],
    "bad-layer": [
        unpack(f"failed to extract layer {DIGEST}: hcsshim::ImportLayer failed in Win32: (0x2): unknown"),
        docker("failed to register layer: max depth exceeded"),
        crio(f'adding layer with blob "{DIGEST}": processing tar file(archive/tar: invalid tar header): exit 1'),
    ],
    "ecr-not-authorized": [
        docker("denied: User: arn:aws:sts::1:x is not authorized to perform: kms:Decrypt on resource: arn:aws:kms:x"),
    ],
    "truncated-layer": [
        unpack("failed to copy: stream error: stream ID 61; INTERNAL_ERROR; received from peer"),
        crio('storing blob to file "/var/tmp/1": happened during read: unexpected EOF'),
        layer(f'Get "{S3}{"x" * 1500}": unexpected EOF'),
    ],
    "disk-full": [
        "write /var/lib/containers/storage/tmp: no space left on device",
        "write C:\\x: There is not enough space on the disk.",
    ],
    "missing-registry-host": [
        'short-name "app" did not resolve to an alias and no unqualified-search registries are defined in'
        ' "/etc/containers/registries.conf"',
        "short-name resolution enforced but cannot prompt without a TTY",
        "rpc error: code = Unknown desc = short name mode is enforcing, but image name app:1 returns ambiguous list",
    ],
    "hosts-broken": [crio("loading registries configuration: reading registries.conf: toml: line 3: expected value")],
    "unexpected-answer": [
        request("Proxy Authentication Required"),
        older("407 Proxy Authentication Required"),
        crio("pinging container registry reg.example: invalid status code from registry 404 (Not Found)"),
        status("302 Found"),
        status("402 Payment Required"),
        request("stopped after 10 redirects"),
        layer(f"unexpected status code https://proxy.example/v2/library/nginx/blobs/{DIGEST}: 400 Bad Request"),
        authorize("anonymous", "authorization server did not include a token in the response"),
    ],
    "cached-other-credential": [
        'Container image "x" is present with pull policy of Never but does not have the proper auth (image secret)',
    ],
    "sandbox-image": [
        'failed pulling image "registry.k8s.io/pause:3.9": Error response from daemon: Get "https://registry.k8s.io/v2/"',
        'failed to get sandbox image "registry.k8s.io/pause:3.10": failed to pull image "registry.k8s.io/pause:3.10"',
        'error creating pod sandbox with name "x": initializing source docker://registry.k8s.io/pause:3.9: i/o timeout',
    ],
    "bad-request": [older("400 "), status("400 Bad Request")],
    "signature-invalid": [
        crio("Source image rejected: Running image docker://reg.example/team/app:1 is rejected by policy."),
        containerd(
            f"image verifier cosign blocked pull of reg.example/team/app:1 with digest {DIGEST} for reason: none"
        ),
    ],
}


@pytest.mark.parametrize(("code", "text"), [(code, text) for code, texts in TEXTS.items() for text in texts])
def test_a_text_is_read_as_its_cause(code: str, text: str) -> None:
    image = "docker.io/video/player:1.0" if "player" in text else "reg.example/team/app:1"
    image = "reg.example/blob:1" if "example/blob:1" in text else image
    image = "reg.example/team/config-server:1" if "config-server" in text else image
    for wrapped in (text, f"rpc error: code = Unknown desc = {text}", f"[{text}, {text}]"):
        reading = classify(wrapped, image)
        assert reading is not None
        assert reading.code == code


ERROR_NAMES = (
    "no-space-left-on-device", "toomanyrequests/429", "manifest-unknown", "blob-unknown/layer-not-found", "x509/tls",
    "connection-refused/app", "no-match-for-platform", "token-has-expired", "rejected-by-policy/short-read",
    "eof/timeout",
)  # fmt: skip


@pytest.mark.parametrize("name", ERROR_NAMES)
def test_a_name_that_reads_like_an_error_is_no_error(name: str) -> None:
    """Images, and their tags, are called whatever people like."""
    image = f"reg.example/{name}:unexpected-eof"
    reading = classify(containerd(f"{image}: not found", image), image)
    assert reading is not None
    assert (reading.code, reading.confidence) == ("image-absent", Confidence.CERTAIN)
    url = f"https://reg.example/v2/{name}/manifests/unexpected-eof"
    refused = classify(containerd(f"unexpected status from HEAD request to {url}: 401 Unauthorized", image), image)
    assert refused is not None
    assert refused.code == "credential-refused"


def test_what_a_pattern_skips_is_bounded() -> None:
    """A registry's answer may be a whole page, and made to keep a reader busy."""
    for rule in list_text_rules():
        pattern = rule.pattern.pattern
        assert not re.search(r"(?<!\\)\.[*+]", pattern), pattern
        assert all(int(most) <= 8000 for most in re.findall(r"\{0,(\d+)\}", pattern)), pattern


@pytest.mark.parametrize(
    "text",
    [
        unpack("something new: not found"),
        unpack('failed to prepare extraction snapshot "extract-1": not found'),
    ],
)
def test_not_found_alone_does_not_prove_that_the_image_is_absent(text: str) -> None:
    """A runtime looks for much: leases, snapshots, content of its own."""
    reading = classify(text, "reg.example/team/app:1")
    assert reading is not None
    assert reading.confidence is not Confidence.CERTAIN
