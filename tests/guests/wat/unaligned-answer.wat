;; Answers from an address that no answer can have.
;; @attack
(func $attack (result i32)
  i32.const 8193)
