/** Serves a site until it is told to stop; SIGHUP reloads. What export and dashboard have in common. */

import { Exit, type ExitCode } from "../../base/errors.ts";
import { collectEveryMs } from "../../base/garbage.ts";
import { log } from "../../base/log.ts";
import { Exporter } from "../../export/exporter.ts";
import { ExportServer, type Site } from "../../export/server.ts";
import { notifySystemd } from "../../kernel/notify.ts";
import { becomeUser, dropCapabilities } from "../../kernel/privileges.ts";
import { type ConfigFlags, readHowToServe, readSettings } from "./settings.ts";

/** What it takes to open a probe anew, and to bind a low port again. */
const forReload = ["bpf", "perfmon", "netAdmin", "netRaw", "netBindService"] as const;

export interface Serving {
  readonly args: ConfigFlags;
  readonly metricsPath: string;
  readonly user: string | undefined;
  readonly stop: AbortSignal;
  /** Makes the exporter's site the one that is served. What it adds to the parts is disposed before the exporter. */
  site(exporter: Exporter, parts: AsyncDisposableStack): Promise<Site>;
  /** Called once all is attached and komon has become its user. */
  begin?(): void;
  /** Reads what else there is to reload; what it gives is called once all of the new is in force. */
  reread?(): Promise<() => void>;
  /** The page's address, after the server's. */
  readonly path: string;
}

export async function serve({ args, stop, ...serving }: Serving): Promise<ExitCode> {
  const listen = args["web.listen-address"];
  const addresses = listen.length > 0 ? listen : ["127.0.0.1:19435"];
  const web = await readHowToServe(args);
  let server: ExportServer | undefined;
  const ended = Promise.withResolvers<void>();
  const reread = async () => {
    const fresh = await readHowToServe(args);
    const config = await readSettings(args);
    await server?.check(fresh);
    const more = await serving.reread?.();
    const accepted = () => {
      more?.();
      server?.use(fresh).catch(ended.reject);
    };
    return { config, accepted };
  };
  using exporter = new Exporter(await readSettings(args), serving.metricsPath, reread);
  await using parts = new AsyncDisposableStack();
  const site = await serving.site(exporter, parts);
  server = new ExportServer(site, addresses, web);
  stop.addEventListener("abort", () => ended.resolve(), { once: true });
  if (stop.aborted) ended.resolve();
  await Promise.race([exporter.opened(), ended.promise]);
  if (serving.user !== undefined) becomeUser(serving.user);
  else dropCapabilities(forReload);
  serving.begin?.();
  for (const url of server.urls) log.info(`serving ${url.replace(/\/$/, "")}${serving.path}`);
  exporter.isReady = true;
  notifySystemd(`READY=1\nSTATUS=serving ${server.urls.join(" ")}`);

  process.removeAllListeners("SIGHUP");
  process.on("SIGHUP", () => void exporter.reload());
  const collecting = setInterval(() => Bun.gc(true), collectEveryMs);
  await ended.promise;
  clearInterval(collecting);
  notifySystemd("STOPPING=1");
  await server[Symbol.asyncDispose]();
  return Exit.done;
}
