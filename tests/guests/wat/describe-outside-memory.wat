;; Says that its manifest lies outside its memory.
;; @describe
(func (export "boxoffice:rules/manifest@0.1.0#describe") (result i32)
  i32.const 0x7ffffff0)
