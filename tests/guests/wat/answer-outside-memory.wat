;; Answers 1 GiB that it does not have.
;; @attack
(func $attack (result i32)
  (i32.store (i32.const 8192) (i32.const 200))
  (i32.store (i32.const 8208) (i32.const 0x40000000))
  i32.const 8192)
