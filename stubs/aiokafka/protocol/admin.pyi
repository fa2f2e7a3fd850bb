from aiokafka.protocol.api import Request, RequestStruct

class _Acls(Request[RequestStruct]):
    def __init__(
        self,
        resource_type: int,
        resource_name: str | None,
        resource_pattern_type_filter: int,
        principal: str | None,
        host: str | None,
        operation: int,
        permission_type: int,
    ) -> None: ...

class DescribeAclsRequest(_Acls): ...
class CreateAclsRequest(_Acls): ...
class DeleteAclsRequest(_Acls): ...
