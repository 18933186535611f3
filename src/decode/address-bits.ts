export const MAPPED = 0xffff; // third word of ::ffff:a.b.c.d, RFC 4291 section 2.5.5.2
export const LINK_LOCAL = 0x3fa; // fe80::/10, the first ten bits
