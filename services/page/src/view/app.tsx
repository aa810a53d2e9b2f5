import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { formatCounted } from "../model/words.ts";
import { counts } from "../state/jobs.ts";
import { navigate, path } from "../state/route.ts";
import { session, sessionProblem, startSession } from "../state/session.ts";
import { Header } from "./header.tsx";
import { Icon } from "../parts/icons.tsx";
import { JobDialog } from "./job_dialog.tsx";
import { HistoryPage, MonitorPage } from "./job_page.tsx";
import { Link } from "../parts/link.tsx";
import { Login } from "./login.tsx";
import { Notices } from "./notices.tsx";
import { StartPage } from "./start_page.tsx";
import { StopDialog } from "./stop_dialog.tsx";

const TITLES: Record<string, string> = { "/": "Job monitor", "/history": "History", "/start": "Start a job", "/login": "Log in" };

function Page(): JSX.Element {
  switch (path.value) {
    case "/":
    case "/login":
      return <MonitorPage />;
    case "/history":
      return <HistoryPage />;
    case "/start":
      return <StartPage />;
    default:
      return (
        <main id="main">
          <h1 tabIndex={-1}>No such page</h1>
          <p>There is nothing at this address. <Link to="/">Go to the job monitor</Link></p>
        </main>
      );
  }
}

function Unreachable({ problem }: { problem: string }): JSX.Element {
  return (
    <main class="login" id="main">
      <div class="card login-card" role="alert">
        <h1>Job monitor</h1>
        <p class="problem"><Icon name="offline" size={18} /> {problem}</p>
        <p>Your jobs run on meanwhile.</p>
        <button type="button" class="button primary wide" onClick={() => void startSession()}>Try again</button>
      </div>
    </main>
  );
}

function useTitle(): void {
  const loggedIn = Boolean(session.value);
  const waiting = loggedIn ? (counts.value?.ready ?? 0) : 0;
  const title = (loggedIn && TITLES[path.value]) || TITLES[loggedIn ? "/" : "/login"];
  useEffect(() => {
    document.title = `${waiting > 0 ? `(${formatCounted(waiting)}) ` : ""}${title}${session.peek() ? ` · ${session.peek()?.account.name}` : ""}`;
  }, [title, waiting]);
}

/** A new page starts at its heading, for those who do not see it change. */
function useFocusOnPage(): void {
  useEffect(() => {
    if (document.activeElement === document.body || document.activeElement?.closest("header, main")) {
      document.querySelector<HTMLElement>("main h1[tabindex]")?.focus({ preventScroll: true });
    }
  }, [path.value, Boolean(session.value)]);
}

export function App(): JSX.Element | null {
  useTitle();
  useFocusOnPage();
  useEffect(() => {
    if (session.value && path.value === "/login") navigate("/", { replace: true });
  }, [session.value, path.value]);
  if (sessionProblem.value) return <Unreachable problem={sessionProblem.value} />;
  if (session.value === undefined) return null;
  if (session.value === null) return <><Login /><Notices /></>;
  return (
    <>
      <a class="skip" href="#main">Skip to the content</a>
      <Header />
      <Page />
      <JobDialog />
      <StopDialog />
      <Notices />
    </>
  );
}
