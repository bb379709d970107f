/** Apps of the config file need no name. */
export const nameOf = ({ id, name }: { id: string; name: string }): string => name || `App ${id}`;
