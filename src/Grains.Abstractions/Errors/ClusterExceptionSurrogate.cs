namespace CozeCluster;

/// <summary>What of a <see cref="ClusterException"/> crosses a process. Its cause and its stack trace stay in the process that threw it.</summary>
[GenerateSerializer]
internal struct ClusterExceptionSurrogate
{
    /// <summary>The name of the <see cref="ErrorCode"/>: a process that does not know it reads <see cref="ErrorCode.Internal"/>.</summary>
    [Id(0)]
    public string Code;

    [Id(1)]
    public string Message;

    [Id(2)]
    public string? Param;

    [Id(3)]
    public DateTimeOffset? Until;
}

[RegisterConverter]
internal sealed class ClusterExceptionConverter : IConverter<ClusterException, ClusterExceptionSurrogate>
{
    // The name that ErrorCode.CallRejected has in messages and stored data.
    private const string CallRejected = "EngineRejected";

    public ClusterException ConvertFromSurrogate(in ClusterExceptionSurrogate surrogate) => new(Parse(surrogate.Code), surrogate.Message, surrogate.Param, surrogate.Until);

    public ClusterExceptionSurrogate ConvertToSurrogate(in ClusterException value) => new()
    {
        Code = value.Code == ErrorCode.CallRejected ? CallRejected : value.Code.ToString(),
        Message = value.Message,
        Param = value.Param,
        Until = value.Until,
    };

    private static ErrorCode Parse(string name) =>
        name == CallRejected ? ErrorCode.CallRejected : Enum.TryParse<ErrorCode>(name, out var code) && Enum.IsDefined(code) ? code : ErrorCode.Internal;
}
