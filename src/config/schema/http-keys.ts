import { type ConfigNode, nodeAt } from "../config-tree.ts";
import { duration, flag, headers, list, section, text, word } from "./key-builders.ts";

const TLS_VERSIONS = ["tls1.0", "tls1.1", "tls1.2", "tls1.3"];

const CLIENT_AUTH = [
  "require-and-verify-client-cert",
  "verify-client-cert-if-given",
  "require-any-client-cert",
  "request-client-cert",
];

const TLS_KEYS = section(
  "HTTPS",
  {
    certificate: text("file with the certificate chain", { status: "implemented" }),
    key: text("file with the private key", { status: "implemented" }),
    minimumtls: word("lowest TLS version", TLS_VERSIONS, { status: "implemented", default: "tls1.2" }),
    clientcas: list("files with the authorities of clients' certificates", { status: "implemented" }),
    clientauth: word("whether clients need a certificate", CLIENT_AUTH, {
      dialect: "distribution",
      status: "implemented",
    }),
    ciphersuites: list("cipher suites of TLS 1.2 that are allowed, by their IANA names", {
      status: "implemented",
    }),
    letsencrypt: section(
      "certificates from Let's Encrypt",
      {
        cachefile: text("folder that certificate and keys are kept in; it switches this on", {
          status: "implemented",
        }),
        email: text("address that the authority may write to", { status: "implemented" }),
        hosts: list("names to get the certificate for, which must lead to port 443 of this server", {
          status: "implemented",
        }),
        directoryurl: text("address of the authority, Let's Encrypt's by default", {
          dialect: "distribution",
          status: "implemented",
        }),
      },
      { optional: true },
    ),
  },
  {
    optional: true,
    // Without a certificate the Go registry does not look at the rest. Who names hosts for one surely wanted HTTPS.
    inert: (node) =>
      isEmpty(nodeAt(node, ["certificate"])) &&
      isEmpty(nodeAt(node, ["letsencrypt", "cachefile"])) &&
      nodeAt(node, ["letsencrypt", "hosts"]) === undefined,
  },
);

function isEmpty(node: ConfigNode | undefined): boolean {
  return node === undefined || (node.kind === "scalar" && !node.text);
}

const DEBUG_KEYS = section(
  "a second server with figures about the first",
  {
    addr: text("host:port it listens on"),
    prometheus: section("Prometheus", {
      enabled: flag("serve metrics", { default: false }),
      path: text("their path", { default: "/metrics" }),
    }),
    tls: section(
      "HTTPS of it",
      {
        enabled: flag("switch it on", { default: false }),
        certificate: text("file with the certificate chain"),
        key: text("file with the private key"),
        clientcas: list("files with the authorities of clients' certificates"),
        minimumtls: word("lowest TLS version", TLS_VERSIONS),
      },
      { dialect: "gitlab", optional: true },
    ),
    pprof: section("profiles", { enabled: flag("serve them", { default: false }) }, { dialect: "gitlab" }),
  },
  { status: "pending", optional: true },
);

/** `http`. */
export const HTTP_KEYS = section("the server", {
  addr: text("host:port it listens on, or the path of a socket", { status: "implemented", default: "" }),
  net: word("tcp, or unix for a socket", ["tcp", "unix", ""], { status: "implemented", default: "tcp" }),
  prefix: text("path that everything is served under", { status: "implemented", default: "/" }),
  host: text("URL that clients reach the registry by", { status: "implemented", default: "" }),
  secret: text("secret that upload state is signed with, the same on all nodes", {
    status: "implemented",
    secret: true,
    default: "",
  }),
  relativeurls: flag("Location headers without host", { status: "implemented", default: false }),
  draintimeout: duration("how long requests may go on after SIGTERM, 0 for as long as they need", {
    status: "implemented",
    defaultMs: 0,
  }),
  tls: TLS_KEYS,
  headers: headers("headers added to every answer", { status: "implemented" }),
  debug: DEBUG_KEYS,
  http2: section("HTTP/2 over TLS", {
    disabled: flag("speak HTTP/1.1 only", { status: "implemented", default: false }),
  }),
  h2c: section(
    "HTTP/2 without TLS",
    {
      enabled: flag("speak it beside HTTP/1.1 with clients that begin with it, without Upgrade", {
        status: "implemented",
        default: false,
      }),
    },
    { dialect: "distribution" },
  ),
});
