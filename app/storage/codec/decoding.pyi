from typing import Any

import numpy as np

from app.arrays import FloatArray, IntArray

def decode(data: bytes, places: IntArray | None = ...) -> np.ndarray[Any, Any]: ...
def decode_into(data: bytes, values: FloatArray) -> None: ...
