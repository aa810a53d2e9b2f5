var e=localStorage.getItem("jobmonitor.theme");(e==="light"||e==="dark")&&(document.documentElement.dataset.theme=e);
