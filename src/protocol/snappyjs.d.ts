declare module 'snappyjs' {
  const snappy: {
    compress(input: Uint8Array): Uint8Array;
  };
  // biome-ignore lint/style/noDefaultExport: this describes a package that has one
  export default snappy;
}
