// Sets light or dark before the first paint. A file and not inline, so that the page needs no inline script.
(function () {
  var kept = null;
  try {
    kept = localStorage.getItem('sluice-color-scheme');
  } catch {
    // Storage can be switched off; then the system's choice holds.
  }
  var isDark = kept === 'dark' || (kept !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches);
  document.documentElement.setAttribute('data-mantine-color-scheme', isDark ? 'dark' : 'light');
})();
