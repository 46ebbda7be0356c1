import { describe, expect, test } from 'vitest';
import { contentDisposition } from '../../../src/media/file-name.ts';
import { boundaryOf, fileNameOf } from '../../../src/media/remote/header-parameters.ts';

describe('the boundary', () => {
  test.each([
    ['multipart/mixed; boundary=abc', 'abc'],
    ['multipart/mixed;boundary="a b:c"', 'a b:c'],
    ['Multipart/Mixed ; charset=x ; BOUNDARY = abc', 'abc'],
    ['multipart/mixed; x="; boundary=no"; boundary=yes', 'yes'],
    ['multipart/mixed; boundary="a\\"b"', 'a"b'],
    ['multipart/mixed; boundary=a; boundary=b', 'a'],
    ['multipart/mixed', undefined],
    ['multipart/mixed; boundary=', undefined],
    ['multipart/mixed; boundary=""', undefined],
    ['multipart/mixed; boundary="a "', undefined],
    ['multipart/mixed; boundary="ü"', undefined],
    [`multipart/mixed; boundary=${'a'.repeat(201)}`, undefined],
    ['text/plain; boundary=abc', undefined],
    ['', undefined],
    [undefined, undefined],
  ])('in %j is %j', (type, boundary) => {
    expect(boundaryOf(type)).toBe(boundary);
  });
});

describe('the file name', () => {
  test.each([
    ['attachment; filename=a.txt', 'a.txt'],
    ['inline;filename="a b;c.txt"', 'a b;c.txt'],
    ['attachment; filename="_.txt"; filename*=UTF-8\'\'%C3%BC.txt', 'ü.txt'],
    ["attachment; filename*=utf-8'de'%C3%BC.txt", 'ü.txt'],
    ['attachment; filename="a.txt"; filename*=UTF-8\'\'%FF', 'a.txt'],
    ['attachment; filename="a.txt"; filename*=ISO-8859-1\'\'%FC', 'a.txt'],
    ['attachment', undefined],
    [undefined, undefined],
  ])('in %j is %j', (disposition, name) => {
    expect(fileNameOf(disposition)).toBe(name);
  });

  test.each(['a.txt', 'a b.txt', 'ü "quoted" \\ 100%.txt', "it's (1)*.txt", '名.png'])(
    'is read from a header that this server has written: %s',
    (name) => {
      expect(fileNameOf(contentDisposition('attachment', name))).toBe(name);
    },
  );
});
