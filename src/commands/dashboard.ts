import { lchownSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";
import type { Rule } from "../dashboard/alerts.ts";
import page from "../dashboard/page/index.html";
import { readRules } from "../dashboard/rules.ts";
import { Dashboard } from "../dashboard/site.ts";
import { userNamed } from "../kernel/privileges.ts";
import { defineCommand, flag } from "./define.ts";
import { serve } from "./export/serve.ts";
import { exportArgs, readHowToServe } from "./export/settings.ts";

export default defineCommand({
  name: "dashboard",
  summary:
    "A web page with all that komon measures, its history and alerts; no other server needed.",
  details: `Serves what \`komon export\` serves, and at / a page with the numbers as they come. A sample a second is \
kept for an hour, one a minute for a week, one an hour for a year, in one SQLite file.

/report and /report.csv show any range of time: ?from=…&to=… in milliseconds since 1970.`,
  example: "komon dashboard --vnf nat=1234 --alerts alerts.yaml",
  args: {
    ...exportArgs,
    history: flag.text({ help: "the file", hint: "FILE", default: "/var/lib/komon/history.db" }),
    historySize: flag.bytes({ help: "of the file at most", default: 256 * 2 ** 20, min: 1 << 20 }),
    alerts: flag.text({ help: "rules: threshold and duration, webhook or command", hint: "FILE" }),
    prometheus: flag.text({
      help: "write files for Prometheus and Grafana there, and end",
      hint: "FOLDER",
    }),
    user: flag.text({ help: "become this user once all is attached, and lose all capabilities" }),
  },
  async run({ args, stop }) {
    if (args.prometheus !== undefined) {
      const { writeBundle } = await import("./dashboard/bundle.ts");
      const { tls, users } = await readHowToServe(args);
      const access = { tls: tls !== undefined, user: users && [...users.keys()][0] };
      writeBundle(args.prometheus, args["web.listen-address"][0] ?? "127.0.0.1:19435", access);
      return;
    }
    const rules = await rulesOf(args.alerts);
    if (args.user !== undefined) makeFolder(dirname(args.history), args.user);
    let dashboard: Dashboard | undefined;
    return await serve({
      ...{ args, stop, user: args.user },
      metricsPath: "/metrics",
      path: "/",
      async site(exporter, parts) {
        const { history, historySize } = args;
        const made = parts.use(new Dashboard(exporter, history, historySize, rules));
        dashboard = made;
        return exporter.with({ page, more: (request, url) => made.answer(request, url) });
      },
      begin: () => dashboard?.begin(),
      async reread() {
        const fresh = await rulesOf(args.alerts);
        return () => dashboard?.useRules(fresh);
      },
    });
  },
});

async function rulesOf(path: string | undefined): Promise<readonly Rule[]> {
  return path === undefined ? [] : readRules(path);
}

/** A folder that is there stays whose it is. That the history cannot be kept is told when it is opened. */
function makeFolder(folder: string, user: string): void {
  const { uid, gid } = userNamed(user);
  try {
    if (mkdirSync(folder, { recursive: true }) !== undefined) lchownSync(folder, uid, gid);
  } catch {}
}
