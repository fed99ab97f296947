import { mkdir, utimes } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type Digest, digestOf } from "../../../src/oci/digest.ts";
import { OCI_MANIFEST } from "../../../src/oci/media-types.ts";
import { blobDataPath, revisionLinkPath } from "../../../src/registry/paths.ts";
import { Registry } from "../../../src/registry/registry.ts";
import { FilesystemDriver } from "../../../src/storage/filesystem/filesystem-driver.ts";
import { MemoryDriver } from "../../../src/storage/memory/memory-driver.ts";
import { indexJson, manifestOf, pushImage, STORES, withoutAbilities } from "../../support/registry-stores.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const SUBJECT = digestOf(Buffer.from("subject"));
const OTHER = digestOf(Buffer.from("other"), "sha512");

function subject(digest: Digest): object {
  return { subject: { mediaType: OCI_MANIFEST, digest, size: 7 } };
}

async function digestsOf(registry: Registry, of = SUBJECT, name = "a"): Promise<Digest[]> {
  return (await registry.repository(name).referrers.of(of)).map((entry) => entry.digest);
}

describe.each(STORES)("referrers in %s", (_name, open) => {
  it("are none for an unknown repository and an unknown subject", async () => {
    const registry = new Registry(await open());
    expect(await digestsOf(registry)).toEqual([]);
    await pushImage(registry.repository("a"), "plain");
    expect(await digestsOf(registry)).toEqual([]);
  });

  it("describe what is attached, in byte order of digests", async () => {
    const registry = new Registry(withoutAbilities(await open()));
    const repository = registry.repository("a");
    const more = { artifactType: "application/sbom", annotations: { by: "me" } };
    const one = await pushImage(repository, "one", [], { ...subject(SUBJECT), ...more });
    const two = await pushImage(repository, "two", [], subject(SUBJECT));
    await pushImage(repository, "three", [], subject(OTHER));
    const expected = [
      { mediaType: OCI_MANIFEST, digest: one.digest, size: one.bytes.length, ...more },
      {
        mediaType: OCI_MANIFEST,
        digest: two.digest,
        size: two.bytes.length,
        artifactType: "application/vnd.oci.image.config.v1+json",
      },
    ];
    expect(await repository.referrers.of(SUBJECT)).toEqual(
      expected.sort((a, b) => (a.digest < b.digest ? -1 : 1)),
    );
    expect(await digestsOf(registry, OTHER)).toHaveLength(1);
    expect(await digestsOf(registry, SUBJECT, "b")).toEqual([]);
  });

  it("follow what other processes store and delete", async () => {
    const driver = await open();
    const registry = new Registry(driver);
    expect(await digestsOf(registry)).toEqual([]);
    const other = new Registry(driver).repository("a");
    const one = await pushImage(other, "one", [], subject(SUBJECT));
    expect(await digestsOf(registry)).toEqual([one.digest]);
    const two = await pushImage(other, "two", [], subject(SUBJECT));
    expect(await digestsOf(registry)).toEqual([one.digest, two.digest].sort());
    await other.manifests.delete(one.digest);
    expect(await digestsOf(registry)).toEqual([two.digest]);
    // As the Go registry deletes: the folder stays.
    await driver.delete(revisionLinkPath("a", two.digest));
    expect(await digestsOf(registry)).toEqual([]);
    await other.manifests.put(two);
    expect(await digestsOf(registry)).toEqual([two.digest]);
  });

  it("include the entries of a referrers tag once, as far as they exist", async () => {
    const registry = new Registry(await open());
    const repository = registry.repository("a");
    const both = await pushImage(repository, "both", [], subject(SUBJECT));
    const tagged = await pushImage(repository, "tagged");
    const missing = digestOf(Buffer.from("missing"));
    const tag = SUBJECT.replace(":", "-");
    await repository.manifests.put(manifestOf(indexJson([both.digest, tagged.digest, missing]), [tag]));
    expect(await digestsOf(registry)).toEqual([both.digest, tagged.digest].sort());
    await repository.manifests.put(
      manifestOf(indexJson([tagged.digest]), [OTHER.replace(":", "-").slice(0, 71)]),
    );
    expect(await digestsOf(registry, OTHER)).toEqual([tagged.digest]);
  });

  it("are found past manifests that are missing, damaged or of an unknown kind", async () => {
    const driver = await open();
    const registry = new Registry(driver);
    const repository = registry.repository("a");
    const damaged = await pushImage(repository, "damaged", [], subject(SUBJECT));
    const missing = await pushImage(repository, "missing", [], subject(SUBJECT));
    const strange = Buffer.from("no manifest");
    await driver.put(blobDataPath(digestOf(strange)), strange);
    await driver.put(revisionLinkPath("a", digestOf(strange)), Buffer.from(digestOf(strange)));
    await driver.put(blobDataPath(damaged.digest), Buffer.from("damage"));
    await driver.delete(blobDataPath(missing.digest));
    const good = await pushImage(repository, "good", [], subject(SUBJECT));
    expect(await digestsOf(registry)).toEqual([good.digest]);
    await repository.manifests.put(damaged);
    expect(await digestsOf(registry)).toEqual([damaged.digest, good.digest].sort());
  });

  it("include what was stored before the question, however many ask at once", async () => {
    const registry = new Registry(withoutAbilities(await open()));
    const repository = registry.repository("a");
    const pushed: Digest[] = [];
    const answers: Promise<void>[] = [];
    for (let count = 0; count < 12; count++) {
      pushed.push((await pushImage(repository, `referrer ${count}`, [], subject(SUBJECT))).digest);
      const until = [...pushed];
      answers.push(digestsOf(registry).then((seen) => expect(seen).toEqual(expect.arrayContaining(until))));
      answers.push(digestsOf(registry).then((seen) => expect(seen).toEqual(expect.arrayContaining(until))));
    }
    await Promise.all(answers);
    expect(await digestsOf(registry)).toEqual(pushed.sort());
  });
});

it("reads each manifest once", async () => {
  const read: string[] = [];
  class Watched extends MemoryDriver {
    override getSync(path: string) {
      if (path.startsWith("/docker/registry/v2/blobs")) read.push(path);
      return super.getSync(path);
    }
  }
  const driver = new Watched();
  for (let count = 0; count < 20; count++) {
    await pushImage(new Registry(driver).repository("a"), `image ${count}`, [], subject(SUBJECT));
  }
  const registry = new Registry(driver);
  for (let times = 0; times < 3; times++) expect(await digestsOf(registry)).toHaveLength(20);
  expect(read).toHaveLength(20);
});

it("does not list a folder again that has long been unchanged, and sees the next change", async () => {
  const listed: string[] = [];
  class Watched extends FilesystemDriver {
    override list(path: string) {
      listed.push(path);
      return super.list(path);
    }
  }
  const rootDirectory = await temporaryFolder();
  const driver = new Watched({ rootDirectory });
  const writer = new Registry(new FilesystemDriver({ rootDirectory })).repository("a");
  const one = await pushImage(writer, "one", [], subject(SUBJECT));
  const revisions = "/docker/registry/v2/repositories/a/_manifests/revisions";
  const anHourAgo = new Date(Date.now() - 3_600_000);
  await utimes(join(rootDirectory, revisions, "sha256"), anHourAgo, anHourAgo);
  const registry = new Registry(driver);
  expect(await digestsOf(registry)).toEqual([one.digest]);
  listed.length = 0;
  expect(await digestsOf(registry)).toEqual([one.digest]);
  expect(listed).toEqual([revisions]);
  const two = await pushImage(writer, "two", [], subject(SUBJECT));
  expect(await digestsOf(registry)).toEqual([one.digest, two.digest].sort());
  await mkdir(join(rootDirectory, revisions, "sha512"), { recursive: true });
  expect(await digestsOf(registry)).toEqual([one.digest, two.digest].sort());
});
