import { type CSSVariablesResolver, createTheme, type MantineColorsTuple } from "@mantine/core";

const teal: MantineColorsTuple = [
  "#eaf7f5", "#d3ece9", "#a6dad4", "#74c6bd", "#46b0a5", "#249a8f", "#12877c", "#0f766e", "#0c615b", "#094c47",
];

/** Greys with a breath of green, so that they sit with the accent. */
const gray: MantineColorsTuple = [
  "#f7f9f8", "#eff2f1", "#e2e7e5", "#d0d7d4", "#b3bcb9", "#8b9693", "#6a7572", "#4c5654", "#313a38", "#1b2221",
];

const dark: MantineColorsTuple = [
  "#d7dddb", "#b6c0bd", "#93a09c", "#66736f", "#3b4643", "#2d3735", "#222a28", "#161c1b", "#111615", "#0c100f",
];

export const theme = createTheme({
  primaryColor: "teal",
  primaryShade: { light: 7, dark: 7 },
  colors: { teal, gray, dark },
  fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif',
  fontFamilyMonospace: 'ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace',
  defaultRadius: "md",
  cursorType: "pointer",
  headings: { fontWeight: "650" },
  respectReducedMotion: true,
  components: {
    Anchor: { defaultProps: { underline: "always" } },
    CloseButton: { defaultProps: { "aria-label": "Close" } },
    // Inputs of a row stand in one line, whichever of them is explained.
    InputWrapper: { defaultProps: { inputWrapperOrder: ["label", "input", "description", "error"] } },
  },
});

/** Text of `light` and `outline` variants, dark enough for WCAG AA on their own background. */
const lightText = {
  "--mantine-color-teal-light-color": "#0b5751",
  "--mantine-color-red-light-color": "#a61b1b",
  "--mantine-color-orange-light-color": "#8a3d00",
  "--mantine-color-yellow-light-color": "#6f4a00",
  "--mantine-color-green-light-color": "#1d6630",
  "--mantine-color-blue-light-color": "#1557a0",
  "--mantine-color-gray-light-color": "#434c4a",
};

const darkText = {
  "--mantine-color-teal-light-color": "#74c6bd",
  "--mantine-color-red-light-color": "#ffb3b3",
  "--mantine-color-orange-light-color": "#ffc48f",
  "--mantine-color-yellow-light-color": "#ffdf80",
  "--mantine-color-green-light-color": "#94dba5",
  "--mantine-color-blue-light-color": "#9ccbff",
  "--mantine-color-gray-light-color": "#c5cfcc",
};

export const variables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    ...lightText,
    "--mantine-color-body": "#ffffff",
    "--mantine-color-text": "#1b2221",
    "--mantine-color-dimmed": "#5a6562",
    "--mantine-color-placeholder": "#6a7572",
    "--mantine-color-error": "#b42318",
    "--mantine-color-anchor": "#0c615b",
    "--ground": "#f6f8f7",
    "--surface": "#ffffff",
    "--line": "#e2e7e5",
    "--hover": "#f1f5f4",
    "--good": "#12877c",
    "--bad": "#c92a2a",
    "--warn": "#b35c00",
    "--idle": "#b3bcb9",
  },
  dark: {
    ...darkText,
    "--mantine-color-body": "#161c1b",
    "--mantine-color-dimmed": "#9aa7a3",
    "--mantine-color-placeholder": "#8a9793",
    "--mantine-color-error": "#ff9b94",
    "--mantine-color-anchor": "#74c6bd",
    "--ground": "#111615",
    "--surface": "#191f1e",
    "--line": "#2d3735",
    "--hover": "#202826",
    "--good": "#46b0a5",
    "--bad": "#f2665e",
    "--warn": "#f0a04b",
    "--idle": "#4a5653",
  },
});
