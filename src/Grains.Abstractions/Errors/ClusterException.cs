using System.Text.Json.Serialization;

namespace CozeCluster;

/// <summary>
/// The only exception that grains throw to their callers, besides cancellation. Clients may see its message: it contains neither secrets nor credentials of
/// upstreams.
/// </summary>
[Alias("cluster-exception")]
public sealed class ClusterException : Exception
{
    /// <summary>Creates an error with a message for the client.</summary>
    /// <param name="code">What went wrong.</param>
    /// <param name="message">One or two sentences for the client, which say what to change if the client can change something.</param>
    /// <param name="param">The invalid request field, as a path (<c>messages[0].content</c>).</param>
    /// <param name="until">When a retry may succeed.</param>
    /// <param name="inner">The cause, for the logs of this process. It is not sent to other processes.</param>
    public ClusterException(ErrorCode code, string message, string? param = null, DateTimeOffset? until = null, Exception? inner = null)
        : base(message, inner)
    {
        Code = code;
        Param = param;
        Until = until;
    }

    /// <summary>What went wrong.</summary>
    public ErrorCode Code { get; }

    /// <summary>The invalid request field, if there is one.</summary>
    public string? Param { get; }

    /// <summary>When a retry may succeed, if known.</summary>
    public DateTimeOffset? Until { get; }

    /// <summary>See <see cref="Error.OwnRecoveryAction"/>.</summary>
    public RecoveryAction? OwnRecoveryAction { get; init; }

    /// <inheritdoc cref="Error.IsForOneBotOnly"/>
    public bool IsForOneBotOnly { get; init; }

    /// <summary>What to do if no text was delivered yet.</summary>
    public RecoveryAction RecoveryAction => OwnRecoveryAction ?? Info.RecoveryAction;

    /// <summary>The row of <see cref="ErrorTable"/> for the code.</summary>
    public ErrorInfo Info => ErrorTable.Of(Code);

    /// <summary>The same error as a message.</summary>
    public Error ToError() => new(Code, Message, Param, Until) { OwnRecoveryAction = OwnRecoveryAction, IsForOneBotOnly = IsForOneBotOnly };
}

/// <summary>An error as a message; see <see cref="ClusterException"/>.</summary>
/// <param name="Code">What went wrong.</param>
/// <param name="Message">For the client; contains no secrets.</param>
/// <param name="Param">The invalid request field.</param>
/// <param name="Until">When a retry may succeed.</param>
[GenerateSerializer, Immutable, Alias("error")]
public sealed record Error(ErrorCode Code, string Message, string? Param = null, DateTimeOffset? Until = null)
{
    /// <summary>The recovery action, if it differs from the usual one of the code: for example, one account may be out of credit, or the whole bot.</summary>
    [Id(0), JsonPropertyName("ownCure")]
    public RecoveryAction? OwnRecoveryAction { get; init; }

    /// <summary>
    /// With <see cref="RecoveryAction.RotateAccount"/>: whether the upstream refused the account only together with this bot, for example in its channel. Then
    /// this bot does not use the account for a while, and other bots still do.
    /// </summary>
    [Id(1), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool IsForOneBotOnly { get; init; }

    /// <summary>What to do if no text was delivered yet.</summary>
    [JsonIgnore]
    public RecoveryAction RecoveryAction => OwnRecoveryAction ?? ErrorTable.Of(Code).RecoveryAction;

    /// <summary>The same error as an exception.</summary>
    public ClusterException ToException() =>
        new(Code, Message, Param, Until) { OwnRecoveryAction = OwnRecoveryAction, IsForOneBotOnly = IsForOneBotOnly };
}

/// <summary>
/// The part of a <see cref="ClusterException"/> that is sent to other processes. Its cause and its stack trace stay in the process that threw it.
/// </summary>
[GenerateSerializer]
internal struct ClusterExceptionSurrogate
{
    /// <summary>The name of the <see cref="ErrorCode"/>. A process that does not know the name reads <see cref="ErrorCode.Internal"/>.</summary>
    [Id(0)]
    public string Code;

    [Id(1)]
    public string Message;

    [Id(2)]
    public string? Param;

    [Id(3)]
    public DateTimeOffset? Until;

    [Id(4)]
    public RecoveryAction? OwnRecoveryAction;

    [Id(5)]
    public bool IsForOneBotOnly;
}

[RegisterConverter]
internal sealed class ClusterExceptionConverter : IConverter<ClusterException, ClusterExceptionSurrogate>
{
    // The name of ErrorCode.CallRejected in messages and stored data.
    private const string CallRejected = "EngineRejected";

    public ClusterException ConvertFromSurrogate(in ClusterExceptionSurrogate surrogate) =>
        new(Parse(surrogate.Code), surrogate.Message, surrogate.Param, surrogate.Until)
        {
            OwnRecoveryAction = surrogate.OwnRecoveryAction,
            IsForOneBotOnly = surrogate.IsForOneBotOnly,
        };

    public ClusterExceptionSurrogate ConvertToSurrogate(in ClusterException value) => new()
    {
        Code = value.Code == ErrorCode.CallRejected ? CallRejected : value.Code.ToString(),
        Message = value.Message,
        Param = value.Param,
        Until = value.Until,
        OwnRecoveryAction = value.OwnRecoveryAction,
        IsForOneBotOnly = value.IsForOneBotOnly,
    };

    private static ErrorCode Parse(string name) => name switch
    {
        CallRejected => ErrorCode.CallRejected,
        _ when Enum.TryParse<ErrorCode>(name, out var code) && Enum.IsDefined(code) => code,
        _ => ErrorCode.Internal,
    };
}
