import { findFreePort } from "./free-port.ts";
import { programPath } from "./programs.ts";
import { type ServeOptions, writeServeConfig } from "./serve-process.ts";
import { type ServerProcess, startServerProcess } from "./server-process.ts";

/** Starts Debian's `docker-registry` (the Go registry 2.8) on a loopback port over a filesystem store or another one. */
export async function startGoRegistry(options: ServeOptions): Promise<ServerProcess> {
  const port = options.port ?? (await findFreePort());
  const configPath = await writeServeConfig({ ...options, port });
  return startServerProcess([programPath("docker-registry"), "serve", configPath], {
    port,
    // Where a bundle is named, its S3 driver ends at once: it cannot put one into the transport that it brings.
    env: { AWS_CA_BUNDLE: undefined },
  });
}
