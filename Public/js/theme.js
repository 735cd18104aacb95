import { local } from './storage.js';

/** Light or dark: the system's choice, or the person's, which the browser remembers. */
const dark = matchMedia('(prefers-color-scheme: dark)');

export function startTheme() {
  const select = document.getElementById('theme');
  select.value = ['light', 'dark'].includes(local.getItem('theme')) ? local.getItem('theme') : 'system';
  select.addEventListener('change', () => {
    local.setItem('theme', select.value);
    apply(select.value);
  });
  dark.addEventListener('change', () => apply(select.value));
  apply(select.value);
}

function apply(choice) {
  const isDark = choice === 'dark' || (choice === 'system' && dark.matches);
  document.documentElement.dataset.theme = isDark ? 'dark' : 'light';
}
