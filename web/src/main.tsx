import './mantine';
import '@mantine/notifications/styles.css';
import 'uplot/dist/uPlot.min.css';
import './fonts.css';
import './global.css';

import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './App';

const root = document.getElementById('root');
if (!root) throw new Error('index.html has no element with the id `root`');

createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
