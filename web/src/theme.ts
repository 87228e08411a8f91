import { type CSSVariablesResolver, createTheme, type MantineColorsTuple } from '@mantine/core';

/** The one accent: buttons, links, and the candidate wherever it is drawn. */
const accent: MantineColorsTuple = [
  '#edf3ff', '#d9e5fd', '#b3cbf8', '#86acf2', '#6093ec', '#4583e8', '#2f72e0', '#1d5fd1', '#164fb4', '#0e3f95',
];

/** Slate instead of Mantine's neutral greys, a little bluer, so that the accent sits well on it. */
const gray: MantineColorsTuple = [
  '#f7f8fa', '#eff2f5', '#e3e7ec', '#d3d9e1', '#b9c2cd', '#94a0ae', '#6b7786', '#4d5967', '#333d49', '#17202b',
];

const dark: MantineColorsTuple = [
  '#dfe5ec', '#b7c2ce', '#9aa7b5', '#6d7a89', '#323c48', '#27303b', '#181f28', '#0f141a', '#0b0f14', '#07090c',
];

export const theme = createTheme({
  colors: { accent, gray, dark },
  primaryColor: 'accent',
  primaryShade: { light: 7, dark: 6 },
  autoContrast: true,
  black: '#17202b',
  fontFamily: "'Inter Variable', system-ui, -apple-system, 'Segoe UI', sans-serif",
  fontFamilyMonospace: "ui-monospace, SFMono-Regular, Menlo, 'Liberation Mono', monospace",
  headings: { fontWeight: '600' },
  defaultRadius: 'md',
  cursorType: 'pointer',
  respectReducedMotion: true,
});

/** Colours with a meaning, one pair for light and one for dark; the style sheets and the charts read them by name. */
export const resolveVariables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    '--mantine-color-body': '#f7f8fa',
    '--mantine-color-dimmed': '#566271',
    '--mantine-color-anchor': '#1d5fd1',
    '--mantine-color-error': '#b3261e',
    '--surface': '#ffffff',
    '--line': '#e3e7ec',
    '--line-strong': '#c9d1da',
    '--stable': '#7d8da0',
    '--stable-text': '#4d5b6b',
    '--candidate': '#1d5fd1',
    '--candidate-text': '#1d5fd1',
    '--candidate-wash': '#1d5fd118',
    '--good': '#187a43',
    '--good-wash': '#e6f5ec',
    '--bad': '#b3261e',
    '--bad-wash': '#fdecea',
    '--warn': '#8a5a00',
    '--warn-wash': '#fff3d6',
    '--quiet': '#4d5967',
    '--quiet-wash': '#eff2f5',
    '--active': '#1a56bd',
    '--active-wash': '#e7effd',
    '--ask': '#6a3ab2',
    '--ask-wash': '#f1eafb',
    '--wait': '#0b626f',
    '--wait-wash': '#e2f4f5',
  },
  dark: {
    '--mantine-color-body': '#0f141a',
    '--mantine-color-dimmed': '#9aa7b5',
    '--mantine-color-anchor': '#86acf2',
    '--mantine-color-error': '#ff8a80',
    '--surface': '#161c24',
    '--line': '#27303b',
    '--line-strong': '#3b4653',
    '--stable': '#8797a9',
    '--stable-text': '#b7c2ce',
    '--candidate': '#5b95f5',
    '--candidate-text': '#86acf2',
    '--candidate-wash': '#5b95f52b',
    '--good': '#5fcf8f',
    '--good-wash': '#12301f',
    '--bad': '#ff8a80',
    '--bad-wash': '#3a1715',
    '--warn': '#f2c14e',
    '--warn-wash': '#33270c',
    '--quiet': '#b7c2ce',
    '--quiet-wash': '#222a34',
    '--active': '#9dbdf7',
    '--active-wash': '#172846',
    '--ask': '#c8adf7',
    '--ask-wash': '#2a1f42',
    '--wait': '#72cfdb',
    '--wait-wash': '#10303a',
  },
});
