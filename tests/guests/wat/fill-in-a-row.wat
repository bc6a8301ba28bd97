;; Fills memory a thousand times in a row, without a loop or a call where an interruption would be looked for.
;; @attack
(func $attack (result i32)
  (drop (memory.grow (i32.const 900)))
  ;; @repeat 1000 (memory.fill (i32.const 131072) (i32.const 7) (i32.const 58720256))
  i32.const 4096)
