using Microsoft.Extensions.Logging;
using Orleans.Runtime.Messaging;

namespace CozeCluster.Grains;

/// <summary>
/// Translates the exceptions of every call to one of this project's grains, in the silo of the grain: callers receive only <see cref="ClusterException"/> and cancellation, because
/// other exceptions would carry types, texts and secrets of a silo to clients. Also ends the mark of <see cref="FirstCall"/>: by now the grain has been activated.
/// </summary>
internal sealed partial class CallErrors(ILogger<CallErrors> logger) : IIncomingGrainCallFilter
{
    private const string CancelledByGrain = "CozeCluster.CancelledByGrain";

    /// <inheritdoc />
    public async Task Invoke(IIncomingGrainCallContext context)
    {
        if (!CallPolicy.Of(context.InterfaceMethod).IsOurs)
        {
            await context.Invoke();
            return;
        }
        FirstCall.Clear();
        try
        {
            await context.Invoke();
        }
        catch (OperationCanceledException exception)
        {
            exception.Data[CancelledByGrain] = true;
            throw;
        }
        catch (Exception exception) when (exception is not ClusterException)
        {
            LogFailed(logger, exception, context.MethodName, context.TargetId);
            throw Translate(exception);
        }
    }

    /// <summary>An exception as callers see it.</summary>
    public static Exception Translate(Exception exception) => exception switch
    {
        ClusterException or OperationCanceledException => exception,
        OrleansException { InnerException: ClusterException inner } => inner,
        _ when IsUndelivered(exception) || exception is TimeoutException => Undelivered(exception),
        _ => new ClusterException(ErrorCode.Internal, "The service failed to handle this request.", inner: exception),
    };

    /// <summary>The error of a call that may not have been delivered.</summary>
    public static ClusterException Undelivered(Exception exception) => new(ErrorCode.CallRejected, "The call could not be delivered. Try again.", inner: exception);

    /// <summary>
    /// Whether the call reached no activation, or the silo that had it is gone. The plain <see cref="OrleansException"/> is what the grain directory throws while it still
    /// maps keys to a silo that failed; grains themselves never throw it, because their exceptions are translated in their silo. Orleans also wraps in it what the storage throws
    /// when a grain is activated, which is a <see cref="ClusterException"/>.
    /// </summary>
    public static bool IsUndelivered(Exception exception) =>
        exception is OrleansMessageRejectionException or SiloUnavailableException or ConnectionFailedException or GatewayTooBusyException or ClientNotAvailableException
        || (exception.GetType() == typeof(OrleansException) && exception.InnerException is not ClusterException);

    /// <summary>
    /// Whether Orleans gave up a call that nobody cancelled: it cancels the lookup of a grain when the silo that holds that part of the grain directory fails, and the caller
    /// receives that cancellation.
    /// </summary>
    public static bool IsAbandoned(Exception exception, CancellationToken callToken) =>
        exception is OperationCanceledException && !callToken.IsCancellationRequested && !exception.Data.Contains(CancelledByGrain);

    [LoggerMessage(1012, LogLevel.Error, "{Method} of {Grain} failed")]
    private static partial void LogFailed(ILogger logger, Exception exception, string method, GrainId grain);
}
