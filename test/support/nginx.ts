import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findFreePort } from "./free-port.ts";
import { programPath } from "./programs.ts";
import { startServerProcess } from "./server-process.ts";
import { TEST_CERTIFICATE, TEST_KEY } from "./test-certificate.ts";

/** A running nginx. */
export interface Nginx {
  /** `https://127.0.0.1:port` of each upstream, in the order that they were given in. */
  urls: string[];
  /** Lines of `method URI status` of all requests that have ended. */
  accessLog(): Promise<string[]>;
  stop(): Promise<void>;
}

/**
 * Starts nginx on loopback ports, with `TEST_CERTIFICATE`, configured as GitLab's Linux package configures it for the
 * registry: TLS ends here, bodies of any size go on unbuffered in both directions, the upstream speaks plain HTTP and is
 * told by headers what the client called.
 *
 * @param upstreams - `127.0.0.1:port` of each server that gets a site of its own
 * @see https://docs.gitlab.com/administration/packages/container_registry/
 */
export async function startNginx(upstreams: readonly string[]): Promise<Nginx> {
  const folder = await mkdtemp(join(tmpdir(), "registry-ctl-nginx-"));
  const sites: { port: number; upstream: string }[] = [];
  for (const upstream of upstreams) sites.push({ port: await findFreePort(), upstream });
  const [first] = sites;
  if (first === undefined) throw new Error("nginx needs a server to stand in front of");
  await writeFile(join(folder, "site.crt"), TEST_CERTIFICATE);
  await writeFile(join(folder, "site.key"), TEST_KEY, { mode: 0o600 });
  for (const name of ["body", "proxy", "fastcgi", "uwsgi", "scgi"]) await mkdir(join(folder, name));
  await writeFile(join(folder, "nginx.conf"), configuration(folder, sites));
  const process = await startServerProcess(
    [programPath("nginx"), "-e", "stderr", "-p", folder, "-c", join(folder, "nginx.conf")],
    // Asked without TLS it answers 400, which is enough to know that it runs.
    { port: first.port },
  );
  return {
    urls: sites.map(({ port }) => `https://127.0.0.1:${port}`),
    accessLog: async () => (await readFile(join(folder, "access.log"), "utf8")).split("\n").filter(Boolean),
    async stop() {
      await process.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function configuration(folder: string, sites: readonly { port: number; upstream: string }[]): string {
  // The master keeps the rights that it was started with, and its workers must be able to use the folder too.
  const user = process.getuid?.() === 0 ? "user root;" : "";
  return `daemon off;
${user}
worker_processes 2;
pid ${folder}/nginx.pid;
error_log stderr warn;
events { worker_connections 1024; }
http {
  log_format brief '$request_method $request_uri $status';
  access_log ${folder}/access.log brief;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  default_type application/octet-stream;
  sendfile on;
  tcp_nopush on;
  keepalive_timeout 65;
  gzip on;
  gzip_types text/plain application/json;
  server_tokens off;
${sites.map((site) => siteConfiguration(folder, site)).join("")}}
`;
}

function siteConfiguration(folder: string, { port, upstream }: { port: number; upstream: string }): string {
  return `  server {
    listen 127.0.0.1:${port} ssl;
    server_name registry.example.com;
    client_max_body_size 0;
    chunked_transfer_encoding on;
    ssl_certificate ${folder}/site.crt;
    ssl_certificate_key ${folder}/site.key;
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_session_cache shared:SSL:10m;
    ssl_session_timeout 1d;
    ssl_session_tickets off;
    location / {
      proxy_set_header Host $http_host;
      proxy_set_header X-Real-IP $remote_addr;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto https;
      proxy_set_header X-Forwarded-Ssl on;
      proxy_read_timeout 900;
      proxy_cache off;
      proxy_buffering off;
      proxy_request_buffering off;
      proxy_http_version 1.1;
      proxy_pass http://${upstream};
    }
  }
`;
}
