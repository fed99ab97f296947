/** Folder of the embedded default's store, in the working directory. */
export const EMBEDDED_STORE = "registry-data";

/** What runs where no configuration is given: a registry for this machine alone, which keeps what is pushed. */
export const EMBEDDED_CONFIG = `version: 0.1
storage:
  filesystem:
    rootdirectory: ./${EMBEDDED_STORE}
  delete:
    enabled: true
http:
  addr: 127.0.0.1:5000
`;
