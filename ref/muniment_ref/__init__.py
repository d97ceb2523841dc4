# SPDX-License-Identifier: Apache-2.0
"""An independent verifier of Muniment evidence, from the documents in docs/format alone. Standard library only."""
