using CozeCluster.Gateway.Http;
using Microsoft.Extensions.Logging;

namespace CozeCluster.Gateway.Surfaces.AiProxy;

/// <summary>
/// Admits requests that are passed through as if they were turns: they count against the limit of their tenant and, with a credential of the fleet, against
/// that of the account.
/// </summary>
internal sealed partial class PassThroughAdmission(IGrainFactory grains, IFleetView fleet, TimeProvider time, ILogger<PassThroughAdmission> logger)
{
    private static readonly TimeSpan RenewInterval = LeaseRequest.Lifetime / 3;
    private static readonly TimeSpan CleanUpTimeout = TimeSpan.FromSeconds(10);

    private TimeProvider Time => time;

    /// <summary>Asks for admission.</summary>
    /// <param name="key">The API key of the request.</param>
    /// <param name="accounts">The accounts, in the order in which they are tried; empty: the request needs none.</param>
    /// <returns>The admission. The caller must dispose it when the request has ended.</returns>
    /// <exception cref="ClusterException">The tenant is at its limit, or all accounts refuse.</exception>
    public async Task<Admission> Enter(RequestKey key, IReadOnlyList<string> accounts)
    {
        var id = fleet.Ids.NewTurn(key.TenantId, null);
        var tenant = grains.Grain<ITenantGrain>(key.TenantId);
        if (await tenant.Admit(id) is { } refusal) throw refusal.ToException();
        try
        {
            Refusal? last = null;
            foreach (var account in accounts)
            {
                var grain = grains.Grain<IAccountGrain>(account);
                var result = await grain.Acquire(id);
                if (result.Grant is { } granted) return new Admission(this, id, tenant, grain, granted);
                last = result.Refusal;
            }
            if (last is not null) throw new ClusterException(last.Error.Code, last.Error.Message, until: last.Until);
            return new Admission(this, id, tenant, null, null);
        }
        catch
        {
            await IgnoreFailures(id, tenant.Settle(id, null));
            throw;
        }
    }

    private async Task IgnoreFailures(string id, Task call)
    {
        try
        {
            await call.WaitAsync(CleanUpTimeout, time, CancellationToken.None);
        }
        catch (Exception exception)
        {
            LogFailed(exception, id);
        }
    }

    [LoggerMessage(40, LogLevel.Warning, "The lease of the passed-through request {Id} could not be renewed or returned")]
    private partial void LogFailed(Exception exception, string id);

    /// <summary>The admission of one request. It is renewed until it is disposed.</summary>
    internal sealed class Admission : IAsyncDisposable
    {
        private static readonly Error Unsuccessful = new(ErrorCode.UpstreamInvalidRequest, "The provider refused a request that was passed through.");

        private readonly PassThroughAdmission _owner;
        private readonly string _id;
        private readonly ITenantGrain _tenant;
        private readonly IAccountGrain? _accountGrain;
        private readonly PeriodicTimer _timer;
        private readonly Task _renewal;

        internal Admission(PassThroughAdmission owner, string id, ITenantGrain tenant, IAccountGrain? accountGrain, AccountDefinition? account)
        {
            (_owner, _id, _tenant, _accountGrain, Account) = (owner, id, tenant, accountGrain, account);
            _timer = new PeriodicTimer(RenewInterval, owner.Time);
            _renewal = Renew();
        }

        /// <summary>The account; null if the request needs none.</summary>
        public AccountDefinition? Account { get; }

        /// <summary>
        /// Whether the provider answered with success. Refusals do not disable the account: clients choose what they ask for, and some answers mean only that
        /// the account may not do that.
        /// </summary>
        public bool Succeeded { get; set; }

        public async ValueTask DisposeAsync()
        {
            _timer.Dispose();
            await _renewal;
            var outcome = Succeeded ? LeaseOutcome.Success : new LeaseOutcome(Unsuccessful);
            if (_accountGrain is not null) await _owner.IgnoreFailures(_id, _accountGrain.Return(_id, outcome));
            await _owner.IgnoreFailures(_id, _tenant.Settle(_id, null));
        }

        private async Task Renew()
        {
            while (await _timer.WaitForNextTickAsync(CancellationToken.None))
            {
                await _owner.IgnoreFailures(_id, _tenant.Renew(_id));
                if (_accountGrain is not null) await _owner.IgnoreFailures(_id, _accountGrain.Renew(_id));
            }
        }
    }
}
