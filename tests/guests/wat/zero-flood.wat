;; Has the host write 16 EiB of zeroes.
;; @import
(import "wasi:cli/stdout@0.2.6" "get-stdout" (func $stdout (result i32)))
(import "wasi:io/streams@0.2.6" "[method]output-stream.write-zeroes" (func $zeroes (param i32 i64 i32)))
;; @attack
(func $attack (result i32)
  (call $zeroes (call $stdout) (i64.const -1) (i32.const 8192))
  i32.const 4096)
