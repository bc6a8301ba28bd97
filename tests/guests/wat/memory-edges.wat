;; Reads just outside its memory, everywhere.
;; @attack
(func $attack (result i32)
  (drop (i64.load (i32.const -4)))
  i32.const 4096)
