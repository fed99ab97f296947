import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { expect, it } from "vitest";
import { startGoRegistry } from "../support/go-registry.ts";
import { describeWithPrograms } from "../support/programs.ts";
import { type HttpAnswer, RegistryHttp, sha256 } from "../support/registry-http.ts";
import { startServe } from "../support/serve-process.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const MORE_CONFIG = `  secret: the-same-on-all-nodes
auth:
  silly:
    realm: silly
    service: silly
`;
const AUTHORIZED = { authorization: "silly" };

describeWithPrograms(
  ["docker-registry"],
  "an upload through nodes of both kinds that share store and secret",
  () => {
    it("goes on at either of them, whoever began it, and at none without its state", {
      timeout: 60_000,
    }, async () => {
      const rootDirectory = join(await temporaryFolder(), "registry");
      const go = await startGoRegistry({ rootDirectory, moreConfig: MORE_CONFIG });
      const ours = await startServe({ rootDirectory, moreConfig: MORE_CONFIG });
      const clients = [new RegistryHttp(go.url), new RegistryHttp(ours.url)] as const;
      try {
        for (const [first, second] of [clients, [clients[1], clients[0]]] as const) {
          const chunks = [randomBytes(100_000), randomBytes(50_000), randomBytes(17)] as const;
          let location = locationOf(
            await first.send("POST", "/v2/shared/blobs/uploads/", { headers: AUTHORIZED }),
            202,
          );
          location = await patch(second, location, chunks[0]);
          location = await patch(first, location, chunks[1]);
          location = await patch(second, location, chunks[2]);
          const status = await first.send("GET", location, { headers: AUTHORIZED });
          expect(status.status).toBe(204);
          expect(status.headers["range"]).toBe("0-150016");

          for (const client of clients) {
            for (const query of ["", "?_state=", "?_state=eHh4eHh4"]) {
              const target = `${location.slice(0, location.indexOf("?"))}${query}`;
              const refused = await client.send("GET", target, { headers: AUTHORIZED });
              expect(refused.status).toBe(404);
              expect(refused.body.toString()).toContain("BLOB_UPLOAD_INVALID");
            }
          }

          const digest = sha256(Buffer.concat(chunks));
          const finished = await first.send("PUT", `${location}&digest=${digest}`, { headers: AUTHORIZED });
          expect(finished.status, finished.body.toString()).toBe(201);
          for (const client of clients) {
            const pulled = await client.send("GET", `/v2/shared/blobs/${digest}`, { headers: AUTHORIZED });
            expect(sha256(pulled.body)).toBe(digest);
          }
        }
      } finally {
        for (const client of clients) client.close();
        await go.stop();
        await ours.stop();
      }
    });
  },
);

async function patch(client: RegistryHttp, location: string, chunk: Buffer): Promise<string> {
  const headers = { ...AUTHORIZED, "content-type": "application/octet-stream" };
  return locationOf(await client.send("PATCH", location, { headers, body: chunk }), 202);
}

/** Where to go on, without the node that said so. */
function locationOf(answer: HttpAnswer, status: number): string {
  expect(answer.status, answer.body.toString()).toBe(status);
  const { pathname, search } = new URL(String(answer.headers["location"]), "http://any");
  return pathname + search;
}
