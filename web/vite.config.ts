import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

const controlPlane = process.env.SLUICE_URL ?? 'http://127.0.0.1:7070';

export default defineConfig({
  plugins: [react()],
  // The oldest browsers that are tested for: of the last two years and a half.
  build: { target: 'es2022', assetsInlineLimit: 0, chunkSizeWarningLimit: 1000, license: { fileName: 'licences.md' } },
  server: {
    proxy: {
      '/api': {
        target: controlPlane,
        changeOrigin: true,
        // The control plane takes writes from its own pages alone; behind this proxy, the page is one.
        headers: { origin: controlPlane },
      },
    },
  },
  test: { include: ['src/**/*.test.ts'] },
});
