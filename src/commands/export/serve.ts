/** Serves a site until it is told to stop; SIGHUP reloads. What export and dashboard have in common. */

import { Exit, type ExitCode } from "../../base/errors.ts";
import { log } from "../../base/log.ts";
import { Exporter } from "../../export/exporter.ts";
import { ExportServer, type Site } from "../../export/server.ts";
import type { WebConfig } from "../../export/webConfig.ts";
import { notifySystemd } from "../../kernel/notify.ts";
import { becomeUser } from "../../kernel/privileges.ts";
import { type ConfigFlags, readHowToServe, readSettings } from "./settings.ts";

export interface Serving {
  readonly args: ConfigFlags;
  readonly metricsPath: string;
  readonly user: string | undefined;
  readonly stop: AbortSignal;
  /** Makes the exporter's site the one that is served. What it adds to the parts is disposed before the exporter. */
  site(exporter: Exporter, parts: AsyncDisposableStack): Promise<Site>;
  /** Called once all is attached and komon has become its user. */
  begin?(): void;
  /** The page's address, after the server's. */
  readonly path: string;
}

export async function serve({ args, stop, ...serving }: Serving): Promise<ExitCode> {
  const listen = args["web.listen-address"];
  const addresses = listen.length > 0 ? listen : ["127.0.0.1:19435"];
  let web = await readHowToServe(args);
  let server: ExportServer | undefined;
  const reread = async () => {
    const fresh = await readHowToServe(args);
    const config = await readSettings(args);
    if (!isSame(fresh, web)) {
      // Somewhere else first: what does not work there must not take the old server's place.
      await using _trial = new ExportServer(site, ["127.0.0.1:0"], fresh);
      await server?.[Symbol.asyncDispose]();
      server = new ExportServer(site, addresses, fresh);
      web = fresh;
    }
    return config;
  };
  using exporter = new Exporter(await readSettings(args), serving.metricsPath, reread);
  await using parts = new AsyncDisposableStack();
  const site = await serving.site(exporter, parts);
  server = new ExportServer(site, addresses, web);
  await exporter.opened();
  if (serving.user !== undefined) becomeUser(serving.user);
  serving.begin?.();
  for (const url of server.urls) log.info(`serving ${url.replace(/\/$/, "")}${serving.path}`);
  notifySystemd(`READY=1\nSTATUS=serving ${server.urls.join(" ")}`);

  const ended = Promise.withResolvers<void>();
  process.removeAllListeners("SIGHUP");
  process.on("SIGHUP", () => void exporter.reload());
  stop.addEventListener("abort", () => ended.resolve(), { once: true });
  if (stop.aborted) ended.resolve();
  await ended.promise;
  notifySystemd("STOPPING=1");
  await server[Symbol.asyncDispose]();
  return Exit.done;
}

function isSame(a: WebConfig, b: WebConfig): boolean {
  const plain = ({ tls, users }: WebConfig) => JSON.stringify([tls, users && [...users]]);
  return plain(a) === plain(b);
}
