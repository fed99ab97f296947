import { flag, list, map, section, text, word } from "./key-builders.ts";

const DONE = { status: "implemented" } as const;

/** What the Go registry takes; of HMAC nothing is accepted here, as it would make secrets of the keys. */
const SIGNING_ALGORITHMS = [
  ...["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"],
  ...["HS256", "HS384", "HS512"],
];

/** `auth`. */
export const AUTH_KEYS = section(
  "who may do what, one kind at most",
  {
    none: map("everybody may do everything", { status: "noop" }),
    silly: section(
      "asks for any header, for tests",
      {
        realm: text("realm of the challenge", { ...DONE, required: true }),
        service: text("service of the challenge", { ...DONE, required: true }),
      },
      { optional: true, open: true },
    ),
    token: section(
      "tokens signed by another server",
      {
        realm: text("address where clients get tokens", { ...DONE, required: true }),
        service: text("the service that tokens are for", { ...DONE, required: true }),
        issuer: text("who tokens come from", { ...DONE, required: true }),
        rootcertbundle: text("file with the certificates that tokens are checked with", DONE),
        autoredirect: flag("send clients to this host for tokens", { ...DONE, default: false }),
        autoredirectpath: text("path of that redirect", {
          ...DONE,
          dialect: "distribution",
          default: "/auth/token",
        }),
        jwks: text("file with the keys that tokens are checked with", { ...DONE, dialect: "distribution" }),
        signingalgorithms: list("signatures that are accepted: RS, ES and PS with a number, or EdDSA", {
          ...DONE,
          dialect: "distribution",
          items: word("one of them", SIGNING_ALGORITHMS, DONE),
        }),
      },
      { optional: true, open: true, looseStrings: true },
    ),
    htpasswd: section(
      "a file with users and passwords",
      {
        realm: text("realm of the challenge", { ...DONE, required: true }),
        path: text("the file, bcrypt only; made with one user where it is missing", {
          ...DONE,
          required: true,
        }),
      },
      { dialect: "distribution", optional: true, open: true },
    ),
  },
  { open: true, bareWord: true },
);

const MIDDLEWARE = list("middleware", {
  status: "must-honour",
  items: section("one middleware", {
    name: text("which one"),
    disabled: flag("switch it off", { default: false }),
    options: map("its options"),
  }),
});

/** `middleware`. */
export const MIDDLEWARE_KEYS = section(
  "code put in front of a part of the registry",
  {
    registry: { ...MIDDLEWARE, help: "in front of the registry" },
    repository: { ...MIDDLEWARE, help: "in front of a repository" },
    storage: {
      ...MIDDLEWARE,
      help: "in front of the storage: cloudfront, googlecdn, redirect, rewrite, urlcache",
    },
  },
  { open: true },
);
