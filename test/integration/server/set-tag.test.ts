import { describe, expect, it, onTestFinished } from "vitest";
import type { TagSetRequest } from "../../../src/control/protocol.ts";
import { RegistryStateError } from "../../../src/errors.ts";
import type { Digest } from "../../../src/oci/digest.ts";
import { blobDataPath, layerLinkPath, revisionLinkPath } from "../../../src/registry/paths.ts";
import type { AuditRecord } from "../../../src/state/audit-record.ts";
import { type InProcessOptions, startInProcessServer } from "../../support/in-process-server.ts";
import { RegistryTree } from "../../support/registry-tree.ts";

const NAME = "group/app";
const BY = { command: "tags set", ranBy: { uid: 7, user: "alice" } };

async function world(options: InProcessOptions = {}) {
  const audited: Omit<AuditRecord, "schemaVersion" | "time">[] = [];
  const server = await startInProcessServer({
    ...options,
    audit: { append: (record) => void audited.push(record) },
  });
  onTestFinished(() => server.close());
  const tree = new RegistryTree(server.driver);
  const repository = tree.repository(NAME);
  const set = (digest: Digest, before: TagSetRequest["before"], tag = "v1"): Promise<void> =>
    server.control.setTag({ repository: NAME, tag, digest, before, by: BY });
  const pulled = async (tag = "v1"): Promise<string | null> => {
    const answer = await fetch(`${server.url}/v2/${NAME}/manifests/${tag}`, { method: "HEAD" });
    return answer.headers.get("docker-content-digest");
  };
  return { server, tree, repository, audited, set, pulled };
}

describe("a tag that is set through the server", () => {
  it("is there for clients, with all that it needs pinned and leased, and written down with who did it", async () => {
    const { server, repository, audited, set, pulled } = await world();
    const one = await repository.image("one", ["layer of one"]);
    const index = await repository.index([one, await repository.image("two", ["layer of two"])]);
    await set(index.digest, "none");
    expect(await pulled()).toBe(index.digest);
    const { everPinned, leased, pinned } = server.coordination;
    for (const digest of [index.digest, one.digest]) {
      expect(everPinned).toContain(`${NAME}@${digest}`);
      expect(leased).toContain(`${NAME}@${digest}`);
    }
    expect(everPinned).toContain(`${NAME}:v1`);
    expect(pinned).toEqual([]);
    await set(one.digest, index.digest);
    expect(await pulled()).toBe(one.digest);
    expect(audited).toEqual([
      { action: "tag-set", repository: NAME, tag: "v1", after: index.digest, ...BY },
      {
        action: "tag-overwrite",
        repository: NAME,
        tag: "v1",
        before: index.digest,
        after: one.digest,
        ...BY,
      },
    ]);
    expect(server.control.requestsInFlight()).toBe(0);
  });

  it("pins the manifest before it looks at it, and finds what a collector has taken meanwhile", async () => {
    const { server, repository, set, pulled } = await world();
    const image = await repository.image("one", ["layer of one"]);
    server.coordination.onPin = (keys) =>
      keys.includes(image.digest) ? server.driver.delete(revisionLinkPath(NAME, image.digest)) : undefined;
    await expect(set(image.digest, "none")).rejects.toThrow(/never pushed there, or is collected/);
    expect(await pulled()).toBeNull();
  });

  it.each(["a layer", "its link", "the config", "a child's layer", "a child"])(
    "is refused where %s lacks, and that is named",
    async (what) => {
      const { server, tree, repository, audited, set, pulled } = await world();
      const layer = await repository.layer("layer of one");
      const image = await repository.image("one", [layer]);
      const index = await repository.index([image]);
      const config = await tree.blob("config of one");
      const lacking = {
        "a layer": blobDataPath(layer.digest),
        "its link": layerLinkPath(NAME, layer.digest),
        "the config": layerLinkPath(NAME, config),
        "a child's layer": layerLinkPath(NAME, layer.digest),
        "a child": revisionLinkPath(NAME, image.digest),
      }[what];
      await server.driver.delete(lacking ?? "");
      const wanted = what.startsWith("a child") ? index : image;
      const named = what === "a child" ? image.digest : what === "the config" ? config : layer.digest;
      const refusal = await set(wanted.digest, "none").catch((error: unknown) => error);
      expect(refusal).toBeInstanceOf(RegistryStateError);
      expect(String(refusal)).toContain(`${named}`);
      expect(await pulled()).toBeNull();
      expect(audited).toEqual([]);
      expect(server.coordination.pinned).toEqual([]);
    },
  );

  it("is left where it points elsewhere by now", async () => {
    const { repository, set, pulled } = await world();
    const one = await repository.image("one", ["layer"], { tag: "v1" });
    const two = await repository.image("two", ["layer"]);
    await expect(set(two.digest, "none")).rejects.toThrow(`points to ${one.digest} by now`);
    await expect(set(two.digest, two.digest)).rejects.toThrow(RegistryStateError);
    expect(await pulled()).toBe(one.digest);
    await expect(set(two.digest, one.digest, "v2")).rejects.toThrow("v2 is gone by now");
  });

  it("is refused while its repository is being moved", async () => {
    const { server, repository, set, pulled } = await world();
    const one = await repository.image("one", ["layer"]);
    await server.control.holdNames([{ name: "group", isProject: true }], 0);
    await expect(set(one.digest, "none")).rejects.toThrow("is being moved: no tag can be set");
    await server.control.holdNames([], 0);
    await set(one.digest, "none");
    expect(await pulled()).toBe(one.digest);
  });

  it("is refused while the server is read-only, which waits for one that is being set", async () => {
    const { server, repository, set, pulled } = await world();
    const one = await repository.image("one", ["layer"]);
    const entered = gate();
    const goOn = gate();
    server.coordination.onPin = (keys) => {
      if (!keys.includes(one.digest)) return undefined;
      entered.open();
      return goOn.opened;
    };
    const setting = set(one.digest, "none");
    await entered.opened;
    let isReadOnly = false;
    const readOnly = server.control.setReadOnly(true, 60_000).then(() => {
      isReadOnly = true;
    });
    await expect(set(one.digest, "none", "v2")).rejects.toThrow("read-only");
    expect(isReadOnly).toBe(false);
    goOn.open();
    await setting;
    await readOnly;
    expect(await pulled()).toBe(one.digest);
  });
});

function gate(): { open: () => void; opened: Promise<void> } {
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open: () => open(), opened };
}
