;; Has a name of a mebibyte.
;; @describe
(func (export "boxoffice:rules/manifest@0.1.0#describe") (result i32)
  (memory.fill (i32.const 131072) (i32.const 0x61) (i32.const 1048576))
  (i32.store (i32.const 1024) (i32.const 131072))
  (i32.store (i32.const 1028) (i32.const 1048576))
  i32.const 1024)
