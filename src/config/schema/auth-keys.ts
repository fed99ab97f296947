import { flag, list, map, section, text } from "./key-builders.ts";

/** Who may come in is never guessed: even an empty block names a kind of access control that is wanted. */
const never = (): boolean => false;

/** `auth`. */
export const AUTH_KEYS = section(
  "who may do what, one kind at most",
  {
    none: map("everybody may do everything", { status: "noop" }),
    silly: section(
      "asks for any header, for tests",
      {
        realm: text("realm of the challenge", { required: true }),
        service: text("service of the challenge", { required: true }),
      },
      { status: "must-honour", optional: true, open: true, inert: never },
    ),
    token: section(
      "tokens signed by another server",
      {
        realm: text("address where clients get tokens", { required: true }),
        service: text("the service that tokens are for", { required: true }),
        issuer: text("who tokens come from", { required: true }),
        rootcertbundle: text("file with the certificates that tokens are checked with"),
        autoredirect: flag("send clients to this host for tokens", { default: false }),
        autoredirectpath: text("path of that redirect", { dialect: "distribution", default: "/auth/token/" }),
        jwks: text("file with the keys that tokens are checked with", { dialect: "distribution" }),
        signingalgorithms: list("signatures that are accepted", { dialect: "distribution" }),
      },
      { status: "must-honour", optional: true, open: true, looseStrings: true, inert: never },
    ),
    htpasswd: section(
      "a file with users and passwords",
      {
        realm: text("realm of the challenge", { required: true }),
        path: text("the file, bcrypt only", { required: true }),
      },
      { dialect: "distribution", status: "must-honour", optional: true, open: true, inert: never },
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
