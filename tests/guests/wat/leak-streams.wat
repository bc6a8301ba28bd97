;; Keeps every stream that it can get.
;; @import
(import "wasi:cli/stdout@0.2.6" "get-stdout" (func $stdout (result i32)))
;; @attack
(func $attack (result i32)
  (loop $more
    (drop (call $stdout))
    (br $more))
  i32.const 4096)
