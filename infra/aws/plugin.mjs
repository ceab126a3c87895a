// The framework takes a plugin from a file that is JavaScript, by its default export.
import { BothwaysPlugin } from './plugin.ts';

// biome-ignore lint/style/noDefaultExport: see above
export default BothwaysPlugin;
