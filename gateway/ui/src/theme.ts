import { createTheme, type CSSVariablesResolver, type MantineColorsTuple } from "@mantine/core";

/** The green of a road sign: the colour of what can be acted on. */
const pike: MantineColorsTuple = [
  "#e8f7f0",
  "#d0ecdf",
  "#a3dac1",
  "#74c8a2",
  "#4fb888",
  "#35a274",
  "#1f8d61",
  "#14794f",
  "#0b6640",
  "#06472c",
];

/** Mantine's dark greys with a little of the green in them. */
const dark: MantineColorsTuple = [
  "#d3dad7",
  "#b3bcb9",
  "#8a9592",
  "#5f6a68",
  "#3a4345",
  "#2c3436",
  "#1f2526",
  "#1b2021",
  "#15191a",
  "#101415",
];

/** Mantine's red, its last two shades darker: outlines and fills use the ninth, and it was 4.2:1. */
const red: MantineColorsTuple = [
  "#fff5f5",
  "#ffe3e3",
  "#ffc9c9",
  "#ffa8a8",
  "#ff8787",
  "#ff6b6b",
  "#fa5252",
  "#e03131",
  "#c92a2a",
  "#a51d1d",
];

export const theme = createTheme({
  primaryColor: "pike",
  // Shade 8 in both schemes: white on any lighter shade is below 4.5:1 (axe).
  primaryShade: 8,
  colors: { pike, red, dark },
  defaultRadius: "md",
  cursorType: "pointer",
  fontFamily:
    'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", Arial, sans-serif',
  fontFamilyMonospace:
    'ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace',
  headings: { fontWeight: "650" },
  components: {
    Button: { defaultProps: { size: "sm" } },
    Badge: { defaultProps: { tt: "none", fw: 600, radius: "sm" } },
    Tooltip: {
      defaultProps: {
        withArrow: true,
        openDelay: 250,
        events: { hover: true, focus: true, touch: true },
      },
    },
    Menu: { defaultProps: { keepMounted: true, position: "bottom-end", shadow: "md" } },
    Modal: {
      defaultProps: {
        centered: true,
        closeButtonProps: { "aria-label": "Close" },
        // A dialog's <header> would count as a second banner of the page.
        attributes: { header: { role: "none" } },
      },
    },
  },
});

/** Mantine's grey text is below 4.5:1 on white and its red below it on dark: stronger ones. */
export const cssVariablesResolver: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    "--mantine-color-text": "#17211c",
    "--mantine-color-dimmed": "#5a626b",
    "--mantine-color-placeholder": "#6a727b",
    "--mantine-color-error": "#c92a2a",
    "--mantine-color-anchor": "#0b6640",
    "--mantine-color-default-border": "#d5dade",
    "--turnpike-surface": "#ffffff",
    "--turnpike-canvas": "#f6f8f7",
    "--turnpike-line": "#e3e8e5",
    "--turnpike-quiet": "#eef2f0",
  },
  dark: {
    "--mantine-color-body": "#15191a",
    "--mantine-color-dimmed": "#a3acb0",
    "--mantine-color-placeholder": "#8d969a",
    "--mantine-color-error": "#ff8787",
    "--mantine-color-anchor": "#74c8a2",
    "--mantine-color-default": "#1f2526",
    "--mantine-color-default-hover": "#272e2f",
    "--mantine-color-default-border": "#3a4345",
    "--turnpike-surface": "#1b2021",
    "--turnpike-canvas": "#121617",
    "--turnpike-line": "#2c3436",
    "--turnpike-quiet": "#242b2c",
  },
});
