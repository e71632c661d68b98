namespace CozeCluster.Engine.Orleans;

/// <summary>A <see cref="ClusterException"/> on its way between processes. Its cause stays where it is.</summary>
[GenerateSerializer, Alias("error")]
internal struct ClusterExceptionSurrogate
{
    /// <summary>The code, by name: its number may differ between versions.</summary>
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
    public ClusterException ConvertFromSurrogate(in ClusterExceptionSurrogate surrogate) => new(
        Enum.TryParse<ErrorCode>(surrogate.Code, out var code) ? code : ErrorCode.Internal, surrogate.Message, surrogate.Param, surrogate.Until);

    public ClusterExceptionSurrogate ConvertToSurrogate(in ClusterException value) => new()
    {
        Code = value.Code.ToString(),
        Message = value.Message,
        Param = value.Param,
        Until = value.Until,
    };
}
