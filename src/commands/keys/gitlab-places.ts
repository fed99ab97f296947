import { shellWord } from "../../lib/shell-word.ts";

/** The halves of a pair, and the issuer's name. */
export interface PairPlaces {
  keyFile: string;
  /** The certificate, or the bundle that has it. */
  certificateFile: string;
  issuer: string;
}

/**
 * Tells where GitLab and the registry need which half.
 *
 * @see https://docs.gitlab.com/administration/packages/container_registry/
 * @see https://docs.gitlab.com/charts/installation/secrets/#registry-authentication-certificates
 */
export function gitlabPlaces({ keyFile, certificateFile, issuer }: PairPlaces): string[] {
  return [
    "Where they belong:",
    "  GitLab's Linux package, in /etc/gitlab/gitlab.rb, then gitlab-ctl reconfigure:",
    `    registry['internal_key'] = File.read(${ruby(keyFile)})`,
    `    registry['internal_certificate'] = File.read(${ruby(certificateFile)})`,
    `    gitlab_rails['registry_issuer'] = ${ruby(issuer)}`,
    "    Each reconfigure writes the key to gitlab_rails['registry_key_path'], which is by default",
    "    /var/opt/gitlab/gitlab-rails/etc/gitlab-registry.key, and the certificate to registry['rootcertbundle'],",
    "    /var/opt/gitlab/registry/gitlab-registry.crt. Without these lines both come from /etc/gitlab/gitlab-secrets.json.",
    "  GitLab's Helm chart:",
    "    kubectl create secret generic RELEASE-registry-secret \\",
    `      --from-file=registry-auth.key=${shellWord(keyFile)} \\`,
    `      --from-file=registry-auth.crt=${shellWord(certificateFile)}`,
    "    global.registry.certificate.secret: RELEASE-registry-secret",
    `    global.registry.tokenIssuer: ${JSON.stringify(issuer)}`,
    "  GitLab from source, in config/gitlab.yml under production.registry:",
    `    key: ${JSON.stringify(keyFile)}`,
    `    issuer: ${JSON.stringify(issuer)}`,
    "  A registry with a config.yml of its own, which needs no private key:",
    `    auth.token.rootcertbundle: ${JSON.stringify(certificateFile)}`,
    `    auth.token.issuer: ${JSON.stringify(issuer)}`,
    "    auth.token.service: container_registry",
  ];
}

function ruby(text: string): string {
  return `'${text.replaceAll(/[\\']/g, "\\$&")}'`;
}
