import type { JSX } from "preact";
import { connection } from "../state/connection.ts";
import { formatCounted } from "../model/words.ts";
import { counts } from "../state/jobs.ts";
import { path } from "../state/route.ts";
import { session } from "../state/session.ts";
import { Link } from "../parts/link.tsx";
import { UserMenu } from "./user_menu.tsx";

function WaitingCount(): JSX.Element | null {
  const waiting = counts.value?.ready ?? 0;
  if (waiting === 0 || connection.value.state === "lost") return null;
  return (
    <span class="badge">
      {formatCounted(waiting)}
      <span class="unseen"> {waiting === 1 ? "result" : "results"} waiting</span>
    </span>
  );
}

export function Header(): JSX.Element {
  return (
    <header class="header">
      <div class="header-inside">
        <Link to="/" class="account">{session.value?.account.name}</Link>
        <nav class="main-nav" aria-label="Main">
          <Link to="/start" current={path.value === "/start"}>Start a job</Link>
          <Link to="/history" current={path.value === "/history"}>History</Link>
          <Link to="/" current={path.value === "/"}>
            Job monitor <WaitingCount />
          </Link>
        </nav>
        <UserMenu />
      </div>
    </header>
  );
}
