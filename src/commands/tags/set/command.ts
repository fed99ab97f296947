import { Argument, Command } from "commander";
import type { Digest } from "../../../oci/digest.ts";
import { withControlSocket } from "../../../ui/options/control-socket.ts";
import { withDryRun } from "../../../ui/options/dry-run.ts";
import type { CommandContext } from "../../context.ts";
import type { PointFlags } from "./point-tag.ts";
import { parseDigestArgument, parseTagReference, type TagReference } from "./tag-reference.ts";

/** `tags set`. */
export function setCommand(context: CommandContext): Command {
  const command = new Command("set")
    .addArgument(new Argument("<repository:tag>", "the tag that is to be set").argParser(parseTagReference))
    .addArgument(
      new Argument("<digest>", "the manifest of that repository that it is to point to").argParser(
        parseDigestArgument,
      ),
    )
    .summary("point a tag to a manifest of its repository")
    .description(
      "Points a tag to a manifest that its repository has, tagged or not, also to put back what somebody has deleted or overwritten. " +
        "Refused where anything lacks that the manifest needs: its children, its config, its layers, or the repository's links to them.",
    );
  withDryRun(command, "say what would be changed; change nothing").option(
    "-y, --yes",
    "do not ask before a tag is overwritten",
  );
  withControlSocket(command).addHelpText("after", SET_HELP);
  return command.action(async (reference: TagReference, digest: Digest) => {
    const { runSet } = await import("./run-set.ts");
    await runSet(context, reference, digest, command.optsWithGlobals<PointFlags>());
  });
}

/** How `tags set` and `tags restore` go about it. */
export const POINT_HELP = `
While a registry of ours serves the store, it is asked over its control socket, and does it as it does a push: no
collection takes the manifest meanwhile, not even one that is under way. Otherwise the store's lock is taken. Beside
any other registry that is safe too, but not beside its garbage collection, which knows no lock. A tag that points
elsewhere is overwritten only after a question, which --yes answers. Before and after are told by registry-ctl history.`;

const SET_HELP = `${POINT_HELP}

Examples:
  $ registry-ctl tags set group/app:v1 sha256:0c4e… --dry-run     see what it points to now
  $ registry-ctl -c config.yml tags set group/app:v1 sha256:0c4e…
  $ registry-ctl manifests list group/app --untagged              which manifests there are without a tag

Exit codes: 0 done, also if it points there already, 1 failed, 2 wrong usage, or a tag would be overwritten and nobody
can be asked, 10 configuration missing or invalid, 11 store unreachable or denied, 12 the manifest or something that it needs
is not there, the tag has been changed meanwhile, the registry is read-only or the store is locked, 129/130/143
stopped by a signal.`;
